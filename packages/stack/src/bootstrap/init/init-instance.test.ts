import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAnswers } from './answers.ts';
import { EXAMPLES } from './example-answers.ts';
import { initInstance } from './init-instance.ts';
import { plannedFiles } from './planned-files.ts';

let base: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'chancery-init-'));
});
afterEach(() => rm(base, { recursive: true }));

const NOW_MS = Date.UTC(2026, 10, 30);

async function answersOf(text: string) {
	const path = join(base, 'answers.yaml');
	await writeFile(path, text);
	return readAnswers(path);
}

async function init(text: string, folder = join(base, 'instance')) {
	const made: string[] = [];
	const onStep = (path: string) => void made.push(path);
	const outcome = await initInstance({ folder, answers: await answersOf(text), nowMs: NOW_MS, onStep });
	if (outcome.state !== 'made') throw new Error('the instance waits for certificates');
	return { ...outcome, made };
}

describe.each(Object.entries(EXAMPLES))('the example %s', (_, text) => {
	it('becomes an instance with the modes that were told, once', async () => {
		const folder = join(base, 'instance');
		const { made, fingerprint } = await init(text);
		expect(made.length).toBeGreaterThan(20);
		for (const { path, mode } of plannedFiles(folder, await answersOf(text)))
			expect(((await stat(join(folder, path))).mode & 0o777).toString(8).padStart(4, '0'), path).toBe(mode);
		const again = await init(text);
		expect(again.made).toEqual([]);
		expect(again.fingerprint).toBe(fingerprint);
	});
});

it('nothing of a production instance is marked as development', async () => {
	const { configurations } = await init(EXAMPLES['one-host']);
	const texts = await Promise.all(
		[...configurations, join(base, 'instance/chains/ca.pem')].map((p) => readFile(p, 'utf8')),
	);
	expect(texts.join('')).not.toMatch(/development/i);
});

describe('a provider of our own', () => {
	const broker = (settings: string) =>
		`${EXAMPLES['one-host'].replace(/issuers:.*\n.*\n.*\n/, '')}identity: ${settings}\n`.replace(
			'urls: ',
			'urls:\n  identity: https://id.sign.example.com # ',
		);
	const CONNECTOR = `{ type: oidc, id: 'https://people.example', name: People, issuer: 'https://people.example', clientId: x }`;

	it('in production has its connectors, and certificates name them', async () => {
		const { configurations, made } = await init(broker(`{ connectors: [${CONNECTOR}] }`));
		const text = await readFile(configurations[0] as string, 'utf8');
		expect(text).toContain('issuerClaim: $.federated_claims.connector_id');
		expect(text).not.toMatch(/development/i);
		expect(made.filter((path) => path.includes('identity'))).toHaveLength(1);
		expect(made.filter((path) => path.includes('development'))).toEqual([]);
	});

	it('may be for machines alone', async () => {
		const { configurations } = await init(broker(`{ machineIssuers: [{ name: ci, issuer: 'https://ci.example' }] }`));
		expect(await readFile(configurations[0] as string, 'utf8')).toContain('issuer: https://ci.example');
	});

	it.each([
		['{}', 'nobody could sign in there'],
		['{ machineIssuers: [], machineClients: [] }', 'nobody could sign in there'],
		['{ connectors: [] }', 'nobody could sign in there'],
		['{ developmentLogin: true }', 'the development login is not for production'],
		[`{ connectors: [${CONNECTOR}], publicUrl: x }`, 'identity.publicUrl: is made or follows from other answers'],
		[`{ connectors: [${CONNECTOR}], signingJwks: { env: X } }`, 'identity.signingJwks: is made or follows'],
	])('is refused as %s', async (settings, why) => {
		await expect(answersOf(broker(settings))).rejects.toThrow(why);
	});
});

it('an address that is in certificates and logs does not change, and an edited file is left alone', async () => {
	const { configurations } = await init(EXAMPLES['one-host']);
	const moved = EXAMPLES['one-host'].replace('https://ca.sign', 'https://ca2.sign');
	await expect(init(moved)).rejects.toThrow(/urls was .*ca\.sign.* is .*ca2\.sign/);
	const [path] = configurations;
	await writeFile(path as string, `${await readFile(path as string, 'utf8')}# mine\n`);
	await expect(init(EXAMPLES['one-host'].replace('7420', '7460'))).rejects.toThrow(/was edited since it was made/);
});

describe('a complete instance', () => {
	const folder = () => join(base, 'instance');

	it('is configured anew without the keys of the keyholder, and makes none', async () => {
		const { fingerprint, configurations } = await init(EXAMPLES['one-host']);
		await rename(join(folder(), 'offline'), join(base, 'taken-away'));
		const moved = await init(EXAMPLES['one-host'].replace('portBase: 7400', 'portBase: 7500'));
		expect(moved).toMatchObject({ fingerprint, made: ['chancery.yaml'] });
		expect(await readFile(configurations[0] as string, 'utf8')).toContain('port: 7502');
		expect(await readdir(folder())).not.toContain('offline');
		// And back: what was made before is known to be ours.
		expect((await init(EXAMPLES['one-host'])).made).toEqual(['chancery.yaml']);
	});

	it('misses a file by its name, and makes none in its place', async () => {
		await init(EXAMPLES['one-host']);
		for (const name of ['keys/log-v1.pem', 'secrets/ca-issuing.passphrase', 'operator/admin-token', 'chains/tsa.pem']) {
			const path = join(folder(), name);
			await rename(path, join(base, 'taken-away'));
			const before = await readdir(folder(), { recursive: true });
			await expect(init(EXAMPLES['one-host'])).rejects.toThrow(`${path} is missing`);
			expect(await readdir(folder(), { recursive: true })).toEqual(before);
			await rename(join(base, 'taken-away'), path);
		}
	});

	it('refuses a key of another instance in the place of its own', async () => {
		await init(EXAMPLES['one-host']);
		await init(EXAMPLES['one-host'], join(base, 'another'));
		for (const [name, words] of [
			['tuf-timestamp', /tuf\.timestamp is another than/],
			['ctlog', /another than when this instance was made/],
			['tsa', /is not for the key of this authority/],
		] as const) {
			const own = [`keys/${name}.pem`, `secrets/${name}.passphrase`].map((path) => join(folder(), path));
			const others = own.map((path) => path.replace(folder(), join(base, 'another')));
			for (const [i, path] of own.entries()) {
				await rename(path, `${path}.own`);
				await rename(others[i] as string, path);
			}
			await expect(init(EXAMPLES['one-host']), name).rejects.toThrow(words);
			for (const path of own) await rename(`${path}.own`, path);
		}
		expect((await init(EXAMPLES['one-host'])).made).toEqual([]);
	});
});

it('two runs at once make one instance, or one of them waits for the other', async () => {
	const runs = await Promise.allSettled([init(EXAMPLES['one-host']), init(EXAMPLES['one-host'])]);
	const refused = runs.filter(({ status }) => status === 'rejected');
	for (const run of refused)
		expect(run).toMatchObject({ reason: { message: expect.stringMatching(/in use by another/) } });
	expect(refused.length).toBeLessThan(2);
	expect((await init(EXAMPLES['one-host'])).made).toEqual([]);
});

it.each([
	['a misspelt key', 'organization:', 'organisation:', /unknown key 'organisation'; did you mean 'organization'/],
	['a plain address', 'https://ca.', 'http://ca.', /is not https, which production refuses/],
	['an address with a path', 'https://ca.sign.example.com', 'https://ca.sign.example.com/ca', /expected an origin/],
	['a missing address', / {2}tsa: .*\n/, '', /urls: tsa missing/],
	['nobody who could sign', /issuers:.*?listen:/s, 'listen:', /issuers: nobody could sign/],
	[
		'a password in the open',
		'postgres:///chancery',
		'postgres://me:pa55@db/chancery',
		/^(?!.*pa55).*holds a password/s,
	],
	['an issuer of a type that is none', 'type: email', 'type: mail', /answers\.issuers\.0/],
	['a database that is none', 'postgres:///', 'mysql:///', /database\.url: must begin with postgres:/],
	['no YAML', 'profile:', 'profile: {', /answers\.yaml:\d+ is not valid YAML/],
])('answers with %s are refused, and nothing is made', async (_, from, to, words) => {
	await expect(init(EXAMPLES['one-host'].replace(from, to))).rejects.toThrow(words);
	await expect(stat(join(base, 'instance'))).rejects.toThrow('ENOENT');
});

it('a folder that holds something else is left as it is', async () => {
	await writeFile(join(base, 'note.txt'), '');
	await expect(init(EXAMPLES['one-host'], base)).rejects.toThrow(
		/holds no instance \(no init\.json\) and is not empty/,
	);
});
