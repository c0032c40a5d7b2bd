/**
 * docs/operate/systemd.md, pasted block by block on a Debian machine that systemd has booted, and what its units promise:
 * sandbox, credentials, start again, drain, a database that is away, a machine that boots again.
 */
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { CHECKOUT, type Engine, openEngine, runWithin } from './containers/engine.ts';
import { until } from './kubernetes/started-program.ts';
import { pageBlock } from './page-block.ts';
import { COMPANY, NAMES, settle } from './systemd/company.ts';
import { bootDebian, type DebianMachine } from './systemd/debian-machine.ts';

const BLOCKS = {
	own: pageBlock('docs/operate/systemd.md', 'systemd', 'export DOMAIN'),
	program: pageBlock('docs/operate/systemd.md', 'systemd', 'build='),
	host: pageBlock('docs/operate/systemd.md', 'systemd', 'apt-get update'),
	units: pageBlock('docs/operate/systemd.md', 'systemd', 'cd /opt/chancery/deploy/systemd'),
	database: pageBlock('docs/operate/systemd.md', 'systemd', 'runuser -u postgres'),
	instance: pageBlock('docs/operate/systemd.md', 'systemd', 'openssl rand'),
	proxy: pageBlock('docs/operate/systemd.md', 'systemd', 'cat >/etc/nginx'),
	start: pageBlock('docs/operate/systemd.md', 'systemd', 'systemctl start chancery-migrate'),
	prove: pageBlock('docs/operate/systemd.md', 'systemd', 'chancery trust publish'),
	edit: pageBlock('docs/operate/systemd.md', 'systemd', 'systemctl edit'),
	encrypt: pageBlock('docs/operate/systemd.md', 'systemd', 'install -d -m 0700 /etc/chancery/encrypted'),
	upgrade: pageBlock('docs/operate/systemd.md', 'systemd', 'tar -xzf chancery.tar.gz -C /opt --transform'),
	uninstall: pageBlock('docs/operate/systemd.md', 'systemd', 'systemctl disable'),
	remove: pageBlock('docs/operate/systemd.md', 'systemd', 'rm -f /etc/nginx'),
};
const SERVICES = ['ca', 'log', 'ctlog', 'tsa', 'tuf'] as const;
const UNITS = [...SERVICES.map((name) => `chancery@${name}.service`), 'chancery-migrate.service'];
const WITHIN_MS = 120_000;
/** Of `systemd-analyze security`, where 10 is a service without any sandbox. */
const MAX_EXPOSURE = 2;

const cleanups: (() => Promise<unknown>)[] = [];
const seconds: [what: string, seconds: number][] = [];
let engine: Engine;
let machine: DebianMachine;
let token: string;

beforeAll(async () => {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-systemd-'));
	cleanups.push(() => rm(folder, { recursive: true, force: true }));
	engine = await openEngine(inject('peers')['docker compose']);
	cleanups.push(() => engine.end());
	machine = await bootDebian(engine, NAMES);
	cleanups.push(() => machine.remove());
	const company = join(folder, 'company');
	await mkdir(company);
	token = await settle(machine, company);
	const checkout = await committed(join(folder, 'checkout'));
	const packed = await timed('the program, made in a checkout', () =>
		runWithin('bash', ['-euc', BLOCKS.program], { folder: checkout }),
	);
	expect(packed.code, `${packed.stdout}${packed.stderr}`).toBe(0);
	await machine.put(join(checkout, 'chancery.tar.gz'), '/root/chancery.tar.gz');
}, 1_800_000);
afterAll(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A clone of this checkout as it is now, what is not committed included. */
async function committed(folder: string): Promise<string> {
	const git = async (place: string, ...args: string[]) => {
		const { code, stdout, stderr } = await runWithin('git', ['-C', place, ...args]);
		expect(code, stderr).toBe(0);
		return stdout;
	};
	const names = (await git(CHECKOUT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard')).split('\0');
	for (const name of names.filter(Boolean)) {
		await mkdir(dirname(join(folder, name)), { recursive: true });
		await cp(join(CHECKOUT, name), join(folder, name), { verbatimSymlinks: true }).catch(
			(error: NodeJS.ErrnoException) => {
				// Removed, and not committed.
				if (error.code !== 'ENOENT') throw error;
			},
		);
	}
	await git(folder, 'init', '--quiet');
	await git(folder, 'add', '--all', '--force');
	const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
	await git(folder, ...who, 'commit', '--quiet', '--no-verify', '--message', 'As it is');
	return folder;
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
	const begin = performance.now();
	const result = await work();
	seconds.push([what, (performance.now() - begin) / 1000]);
	return result;
}

/** In one shell, which knows what the reader has said of the company. */
const paste = (...blocks: string[]) =>
	machine.must([BLOCKS.own, ...blocks].join('\n'), { TOKEN: token, WHO: COMPANY.email });

const property = async (unit: string, name: string) => (await machine.must(`systemctl show -P ${name} ${unit}`)).trim();
const journal = (unit: string) => machine.must(`journalctl --unit ${unit} --output cat --no-pager`);
const becomes = (unit: string, state: string) =>
	until(
		`${unit} ${state}`,
		WITHIN_MS,
		async () => (await property(unit, 'ActiveState')) === state,
		() => journal(unit),
	);

/** JSON or text at an address of the instance, as a client of the company gets it. */
async function at(url: string): Promise<string> {
	const script = `const answer = await fetch(process.env.URL); if (!answer.ok) throw new Error(answer.status); process.stdout.write(await answer.text());`;
	const env = { URL: url, NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' };
	return machine.must(`/opt/chancery/node_modules/.bin/node --input-type=module --eval '${script}'`, env);
}

interface LogInfo {
	readonly treeID: string;
	readonly treeSize: number;
}
const logInfo = async () => JSON.parse(await at(`https://log.${COMPANY.domain}/api/v1/log`)) as LogInfo;
/** The first entry, without what grows with the log. */
async function firstEntry(): Promise<object> {
	const entries = JSON.parse(await at(`https://log.${COMPANY.domain}/api/v1/log/entries?logIndex=0`)) as object;
	const [[uuid, entry] = []] = Object.entries(entries) as [string, Record<string, unknown>][];
	return { uuid, body: entry?.body, integratedTime: entry?.integratedTime, logID: entry?.logID };
}
const signsAndVerifies = async () => {
	const proof = /^chancery self-test.*$/m.exec(BLOCKS.prove)?.[0] ?? '';
	expect(proof).not.toBe('');
	await paste(proof);
};

it('serves nothing before the database is migrated, says which command to run, and does not try again', async () => {
	await timed('packages of Debian, unpacked and started', () => paste(BLOCKS.host));
	await timed('units, database, instance, proxy', () =>
		paste(BLOCKS.units, BLOCKS.database, BLOCKS.instance, BLOCKS.proxy),
	);
	const { code, stderr } = await machine.run('systemctl start chancery@log');
	expect(code, stderr).toBe(1);
	expect(await journal('chancery@log')).toContain("run 'chancery migrate log");
	expect(await property('chancery@log', 'ExecMainStatus')).toBe('78');
	expect(await property('chancery@log', 'NRestarts')).toBe('0');
	expect(await property('chancery@log', 'ActiveState')).toBe('failed');
	await machine.must('systemctl reset-failed');
});

it('leads from nothing to signed and verified', async () => {
	await timed('tables, logs, services', () => paste(BLOCKS.start));
	// Started means listening: nobody waits here.
	for (const name of SERVICES) expect(await property(`chancery@${name}`, 'ActiveState'), name).toBe('active');
	await timed('root of trust, first signature', () => paste(BLOCKS.prove));
	const total = seconds.reduce((sum, [, one]) => sum + one, 0);
	const lines = [...seconds, ['from nothing to signed and verified, without downloads', total] as const];
	process.stderr.write(`${lines.map(([what, one]) => `systemd: ${one.toFixed(1)} s ${what}`).join('\n')}\n`);
});

it('has units that systemd finds nothing wrong with, and little exposed', async () => {
	const { code, stdout, stderr } = await machine.run(`systemd-analyze verify ${UNITS.join(' ')} chancery.target`);
	expect(`${stdout}${stderr}`).toBe('');
	expect(code).toBe(0);
	for (const unit of UNITS) {
		const told = await machine.must(`systemd-analyze security --no-pager ${unit}`);
		const exposure = Number(/Overall exposure level for .*: ([0-9.]+)/.exec(told)?.[1]);
		process.stderr.write(`systemd: exposure of ${unit}: ${exposure}\n`);
		expect(exposure, told).toBeLessThan(MAX_EXPOSURE);
	}
});

it('shows a service its own credentials alone, and no other process', async () => {
	const pid = await property('chancery@tsa', 'MainPID');
	const inside = (command: string) => machine.must(`nsenter --target ${pid} --mount -- ${command}`);
	expect((await inside('ls /run/credentials')).trim()).toBe('chancery@tsa.service');
	expect((await inside('ls /run/credentials/chancery@tsa.service')).trim().split('\n')).toEqual([
		'chains_tsa.pem',
		'chancery.yaml',
		'keys_tsa.pem',
		'secrets_tsa.passphrase',
	]);
	// The rest as the account of the services, in the sandbox that commands and services share.
	const look = `
		try { require('fs').readdirSync('/etc/chancery'); console.log('reads /etc/chancery') } catch {}
		// Whoever may not write there has another code: it is the sandbox that is asked about.
		for (const path of ['/opt/chancery', '/var/lib/chancery', '/etc', '/usr'])
			try { require('fs').writeFileSync(path + '/written', ''); console.log('writes ' + path) } catch ({ code }) { if (code !== 'EROFS') console.log(path, code) }
		require('fs').writeFileSync('/var/lib/chancery/marks/written', '');
		const others = require('fs').readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && name !== String(process.pid));
		console.log(JSON.stringify({ others, user: process.getuid() > 0, capabilities: /CapEff:\\s*(\\w+)/.exec(require('fs').readFileSync('/proc/self/status', 'utf8'))[1] }))`;
	const said = await machine.must(
		`systemd-run --quiet --pipe --wait --collect --unit=chancery-run-look /opt/chancery/node_modules/.bin/node --eval "$LOOK"; rm /var/lib/chancery/marks/written`,
		{ LOOK: look },
	);
	expect(said.trim()).toBe('{"others":[],"user":true,"capabilities":"0000000000000000"}');
});

it('starts a service again that was killed', async () => {
	const before = await property('chancery@log', 'MainPID');
	await machine.must('systemctl kill --kill-whom=main --signal SIGKILL chancery@log');
	await until(
		'another start',
		WITHIN_MS,
		async () => (await property('chancery@log', 'NRestarts')) === '1',
		() => journal('chancery@log'),
	);
	await becomes('chancery@log', 'active');
	expect(await property('chancery@log', 'MainPID')).not.toBe(before);
	await signsAndVerifies();
});

it('drains before it stops, and stops in order', async () => {
	await machine.must(
		`echo 'process: { drainSeconds: 2 }' >>/etc/chancery/chancery.yaml; systemctl restart chancery@tsa`,
	);
	await machine.must('systemctl stop chancery@tsa');
	const said = await journal('chancery@tsa');
	expect(said.slice(said.lastIndexOf('"listening"'))).toMatch(/"stopping"[\s\S]*"drainMs":2000[\s\S]*"stopped"/);
	expect(await property('chancery@tsa', 'Result')).toBe('success');
	await machine.must('systemctl start chancery@tsa');
});

it('waits for a database that is away', async () => {
	await machine.must('systemctl stop postgresql@17-main; systemctl restart --no-block chancery@log');
	const tries = async () => (await journal('chancery@log')).split('the database cannot be reached').length - 1;
	await until(
		'three tries',
		WITHIN_MS,
		async () => (await tries()) >= 3,
		() => journal('chancery@log'),
	);
	await machine.must('systemctl start postgresql@17-main');
	await becomes('chancery@log', 'active');
	await signsAndVerifies();
});

it('goes on with the same root and the same log when the machine boots again', async () => {
	const root = () => at(`https://tuf.${COMPANY.domain}/1.root.json`);
	const [rootBefore, logBefore, entryBefore] = [await root(), await logInfo(), await firstEntry()];
	await machine.restart();
	for (const name of SERVICES) expect(await property(`chancery@${name}`, 'ActiveState'), name).toBe('active');
	expect(await root()).toBe(rootBefore);
	const { treeID, treeSize } = await logInfo();
	expect(treeID).toBe(logBefore.treeID);
	expect(treeSize).toBeGreaterThanOrEqual(logBefore.treeSize);
	expect(await firstEntry()).toEqual(entryBefore);
	await signsAndVerifies();
	expect((await logInfo()).treeSize).toBeGreaterThan(treeSize);
});

it('obeys an operator who changes a unit, and is ready with several processes when one listens', async () => {
	// Whatever the machine has, there are to be two; and a setting of the sandbox shows that the last word is the operator's.
	const edited = BLOCKS.edit.replace('--processes auto', '--processes 2').replace('[Service]', '[Service]\nUMask=0027');
	expect(edited).toContain('--processes 2');
	await paste(edited);
	expect(await property('chancery@log', 'ActiveState')).toBe('active');
	expect(await property('chancery@log', 'UMask')).toBe('0027');
	const pid = await property('chancery@log', 'MainPID');
	const processes = async () => (await machine.must(`cat /proc/${pid}/task/${pid}/children`)).trim().split(' ').length;
	await until(
		'two processes',
		WITHIN_MS,
		async () => (await processes()) === 2,
		() => journal('chancery@log'),
	);
	await signsAndVerifies();
	await machine.must('systemctl stop chancery@log');
	expect(await property('chancery@log', 'Result')).toBe('success');
	await machine.must('systemctl revert chancery@log; systemctl start chancery@log');
});

it('runs with passphrases that only this machine reads', async () => {
	await paste(BLOCKS.encrypt);
	await machine.must('mv /etc/chancery/secrets /root/secrets; systemctl restart chancery.target');
	for (const name of SERVICES) expect(await property(`chancery@${name}`, 'ActiveState'), name).toBe('active');
	expect(await machine.must('chancery-run log create')).toContain('was there already');
	await machine.must('chancery-run config check');
	await signsAndVerifies();
});

it('goes on after the upgrade that the page describes', async () => {
	const { treeSize } = await logInfo();
	await paste(BLOCKS.upgrade);
	for (const name of SERVICES) expect(await property(`chancery@${name}`, 'ActiveState'), name).toBe('active');
	await signsAndVerifies();
	expect((await logInfo()).treeSize).toBeGreaterThan(treeSize);
});

it('was told by every service when it listened, and never lost patience', async () => {
	const said = await journal("'chancery*'");
	expect(said).toContain('"listening"');
	expect(said.split('\n').filter((line) => /timed out|could not be told|Killing process|SIGABRT/.test(line))).toEqual(
		[],
	);
});

it('is gone after it was uninstalled', async () => {
	await paste(BLOCKS.uninstall);
	// Both list nothing; the second one also ends with 1 then.
	const listed = await machine.run(
		`systemctl list-units --all --no-legend 'chancery*'; systemctl list-unit-files --no-legend 'chancery*'`,
	);
	expect(listed.stdout).toBe('');
	expect((await machine.must('ls /etc/chancery')).split('\n')).toContain('chancery.yaml');
	await paste(BLOCKS.remove);
	const left = await machine.run(
		'find / -xdev -iname "*chancery*" -not -path "/root/*" -not -path "/proc/*" -not -path "/etc/ssl/*"',
	);
	expect(left.stdout).toBe('');
});

it('makes the program with the pnpm of the checkout', async () => {
	const pinned = /pnpm@[0-9.]+/.exec(await readFile(join(CHECKOUT, 'package.json'), 'utf8'))?.[0];
	expect(BLOCKS.program).toContain(`npx --yes ${pinned} install`);
});
