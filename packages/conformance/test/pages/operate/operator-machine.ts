/**
 * The machine on which the blocks of docs/operate are pasted: root on a Debian with PostgreSQL, nginx and pgbouncer, with
 * this checkout in /opt/chancery, in a company that has names, certificates and an issuer. Each page gets a new one, made
 * by `machine.sh`. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { CHECKOUT } from '../default-instance.ts';
import type { Reader } from '../run-page.ts';
import { DOMAIN, HOSTS, OTHERS } from './company.ts';

/** What `machine.sh` and the pages call, by the package of Debian that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
	unshare: 'util-linux',
	ip: 'iproute2',
	psql: 'postgresql',
	nginx: 'nginx-light',
	haproxy: 'haproxy',
	pgbouncer: 'pgbouncer',
	openssl: 'openssl',
	curl: 'curl',
};

/** Where `.ci/run` unpacks it, or where it is installed. */
const PROMTOOL = [join(homedir(), '.cache/chancery/promtool/usr/bin/promtool'), '/usr/bin/promtool'];

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];

export interface OperatorReader extends Reader {
	/** Everything is below it; the programs in `bin` are on the PATH of the reader. */
	readonly base: string;
	remove(): Promise<void>;
}

/**
 * `issuer` is the program of the company's issuer, which gets the folder of everything here and writes a file `token`
 * there when it answers.
 * @throws {Error} that says what this machine lacks
 */
export async function openOperatorMachine(
	issuer: string = join(import.meta.dirname, 'issuer.ts'),
): Promise<OperatorReader> {
	const lacking = lackingHere();
	if (lacking.length > 0) throw new Error(`the pages of docs/operate cannot be run here: ${lacking.join('; ')}`);
	const base = await mkdtemp(join(tmpdir(), 'chancery-operator-'));
	// The accounts that a page makes have to pass.
	await chmod(base, 0o711);
	const [home, folder, programs] = [join(base, 'home'), join(base, 'work'), join(base, 'bin')];
	for (const made of [home, folder, programs]) await mkdir(made);
	const promtool = PROMTOOL.find((path) => existsSync(path));
	if (promtool !== undefined) await symlink(promtool, join(programs, 'promtool'));
	await writeFile(join(base, 'hosts'), HOSTS);
	using openssl = new OpensslFolder();
	await writeCertificates(openssl, base);
	const script = join(import.meta.dirname, 'machine.sh');
	return {
		base,
		home,
		folder,
		path: ['/opt/chancery/packages/cli/bin', programs],
		records: join(base, 'records'),
		within: ['unshare', ...NAMESPACES, script, base, CHECKOUT, postgresPrograms() ?? '', issuer],
		remove: () => rm(base, { recursive: true, force: true }),
	};
}

function lackingHere(): string[] {
	if (process.platform !== 'linux') return ['it is not Linux'];
	if (process.geteuid?.() !== 0) return ['namespaces, accounts and ports below 1024 need root'];
	const path = (process.env.PATH ?? '').split(':');
	const isThere = (program: string) => path.some((it) => readdirOrNothing(it).includes(program));
	const lacking = Object.entries(PROGRAMS).flatMap(([program, name]) =>
		isThere(program) ? [] : [`${program} is not installed (apt-get install --no-install-recommends ${name})`],
	);
	if (postgresPrograms() === undefined) lacking.push('there is no /usr/lib/postgresql/*/bin');
	if (lacking.length === 0 && spawnSync('unshare', [...NAMESPACES, 'true']).status !== 0)
		lacking.push('the system allows no namespaces (as in a container without privileges)');
	return lacking;
}

/** Of TEST_POSTGRES_BIN, or the newest that Debian has installed. */
function postgresPrograms(): string | undefined {
	if (process.env.TEST_POSTGRES_BIN) return process.env.TEST_POSTGRES_BIN;
	const newest = readdirOrNothing('/usr/lib/postgresql')
		.toSorted((a, b) => Number(a) - Number(b))
		.at(-1);
	return newest === undefined ? undefined : join('/usr/lib/postgresql', newest, 'bin');
}

function readdirOrNothing(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}

/** The company's authority, and what it certified: the names of the services, and those of the other machine. */
async function writeCertificates(openssl: OpensslFolder, base: string): Promise<void> {
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	const days = ['-days', '2'];
	const own = ['-keyout', 'authority.key', '-out', 'authority.crt', '-subj', '/CN=Authority of example.com'];
	openssl.run('req', '-x509', ...key, ...days, ...own);
	for (const [name, names] of [
		['sign', [`*.${DOMAIN}`]],
		['others', OTHERS],
	] as const) {
		const ca = ['-CA', 'authority.crt', '-CAkey', 'authority.key'];
		const alternatives = ['-addext', `subjectAltName=${names.map((it) => `DNS:${it}`).join(',')}`];
		const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', `${name}.key`, '-out', `${name}.crt`];
		openssl.run('req', '-x509', ...key, ...days, ...ca, '-subj', `/CN=${names[0]}`, ...alternatives, ...leaf);
	}
	for (const name of ['authority.crt', 'sign.crt', 'sign.key', 'others.crt', 'others.key'])
		await writeFile(join(base, name), openssl.read(name), { mode: name.endsWith('.key') ? 0o600 : 0o644 });
}
