/**
 * Over TLS with a private authority: each client trusts an instance because its documented setting says so, and for no
 * other reason. Without the setting, with half of it, or with the authority of another instance, it must refuse.
 */
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANCERY } from '../judges/running-instance.ts';
import type { Place, SigningTask } from './client.ts';
import { initializing, urlsOf } from './cosign.ts';
import { openNpmSigstore, openSigstoreSign } from './npm-clients.ts';
import { programOf } from './opened-clients.ts';
import { openWorkplace } from './places.ts';
import { type Ran, runClient } from './run-client.ts';
import { type TLS_SETTINGS, tlsSettings } from './tls-settings.ts';

const PYTHON_CLIENT = join(import.meta.dirname, 'python-tuf-client.py');

const workplace = await openWorkplace();
const { folder, home, foreign } = workplace;
const { urls, root } = home.instance;
afterAll(() => workplace.remove());

type Environment = Readonly<Record<string, string>>;
type Outcome = Pick<Ran, 'code' | 'said'>;

/** One thing that a client does at an instance, in a home that is as its user would have it by then. */
interface Visit {
	readonly client: keyof typeof TLS_SETTINGS;
	readonly what: string;
	/** Its words for a certificate that it does not trust. */
	readonly words: RegExp;
	readonly make: (settings: Environment) => Promise<Outcome>;
}

const GO = /tls: failed to verify certificate: x509: certificate signed by unknown authority/;
const OPENSSL = /CERTIFICATE_VERIFY_FAILED/;
const NODE = /self-signed certificate in certificate chain|certificate signature failure/;
const OURS = /certificate of localhost:\d+ comes from no authority that is trusted here/;

const artifact = join(folder, 'trusted.txt');
const bundle = join(folder, 'trusted.sigstore.json');
const freshHome = () => mkdtemp(join(folder, 'home-'));

/** A home in which the client already knows the root, so that what it does next is the visit. */
async function preparedHome(client: Visit['client'], program: string, args: readonly string[]): Promise<string> {
	const at = await freshHome();
	const ran = await runClient(program, args, at, { TUF_ROOT: join(at, 'tuf'), ...tlsSettings(client, home) });
	if (ran.code !== 0) throw new Error(`${client} could not begin: ${ran.said}`);
	return at;
}

function cosignVisits(client: 'cosign 3' | 'cosign 2', how: readonly string[]): Visit[] {
	const program = programOf(client) ?? '';
	const begin = initializing(home, root.sha256);
	const signing = ['sign-blob', artifact, '--yes', ...how, '--identity-token', home.token, '--bundle', bundle];
	const run = (args: readonly string[], at: string, settings: Environment) =>
		runClient(program, args, at, { TUF_ROOT: join(at, 'tuf'), ...settings });
	return [
		{ client, what: 'initialize', words: GO, make: async (settings) => run(begin, await freshHome(), settings) },
		{
			client,
			what: 'sign-blob',
			words: GO,
			make: async (settings) => run(signing, await preparedHome(client, program, begin), settings),
		},
	];
}

function pythonVisits(): Visit[] {
	const program = programOf('sigstore-python') ?? '';
	const at = ['--verbose', '--instance', urls.tuf];
	const begin = [...at, 'trust-instance', root.path];
	const signing = [...at, 'sign', '--identity-token', home.token, '--bundle', bundle, '--overwrite', artifact];
	const client = 'sigstore-python' as const;
	return [
		{
			client,
			what: 'trust-instance',
			words: OPENSSL,
			make: async (settings) => runClient(program, begin, await freshHome(), settings),
		},
		{
			client,
			what: 'sign',
			words: OPENSSL,
			make: async (settings) => runClient(program, signing, await preparedHome(client, program, begin), settings),
		},
	];
}

const task = { kind: 'blob', log: 1, artifact, predicate: '', statement: artifact, bundle } as const;
const told = (settings: Environment): Place => ({ ...home, tlsCa: settings.NODE_EXTRA_CA_CERTS });
const outcomeOf = (attempt: Promise<unknown>): Promise<Outcome> =>
	attempt.then(
		() => ({ code: 0, said: '' }),
		(error: unknown) => ({ code: 1, said: error instanceof Error ? error.message : String(error) }),
	);
const signs = (signer: { sign(task: SigningTask): Promise<void> }) => (settings: Environment) =>
	outcomeOf(signer.sign({ ...task, place: told(settings) }));

const npm = await openNpmSigstore(join(folder, 'npm'), [home]);
const npmSign = await openSigstoreSign(join(folder, 'npm-sign'));

const visits: Visit[] = [
	{
		client: 'chancery',
		what: 'initialize',
		words: OURS,
		make: async (settings) => {
			const how = ['initialize', '--mirror', urls.tuf, '--root', root.path];
			return runClient(CHANCERY, how, await freshHome(), settings);
		},
	},
	{
		client: 'chancery',
		what: 'sign-blob',
		words: OURS,
		make: async (settings) => {
			const where = ['--signing-config', home.signingConfigs[2], '--trusted-root', home.trustedRoot];
			const how = ['sign-blob', ...where, '--identity-token', home.token, '--bundle', bundle, artifact];
			return runClient(CHANCERY, how, await freshHome(), settings);
		},
	},
	...cosignVisits('cosign 3', ['--signing-config', home.signingConfigs[2]]),
	...cosignVisits('cosign 2', [...urlsOf(home), '--new-bundle-format']),
	...pythonVisits(),
	{ client: 'sigstore', what: 'sign', words: NODE, make: signs(npm) },
	{
		client: 'sigstore',
		what: 'verify (TUF)',
		words: NODE,
		make: async (settings) => {
			await npm.sign({ ...task, place: home });
			// A cache of its own: what an earlier visit fetched would do without the instance.
			const fresh = await openNpmSigstore(await freshHome(), [home]);
			const whom = { identity: 'signer@example.com', issuer: home.instance.oidcIssuer };
			const verdict = await fresh.verify({ ...task, place: told(settings), ...whom });
			return verdict.accepted ? { code: 0, said: '' } : { code: 1, said: verdict.said };
		},
	},
	{ client: '@sigstore/sign', what: 'sign', words: NODE, make: signs(npmSign) },
	{
		client: 'rekor-cli',
		what: 'loginfo',
		words: GO,
		make: async (settings) =>
			runClient(programOf('rekor-cli') ?? '', ['loginfo', '--rekor_server', urls.log], await freshHome(), settings),
	},
	{
		client: 'go-tuf',
		what: 'get',
		words: GO,
		make: async (settings) => {
			const program = programOf('go-tuf') ?? '';
			const at = await freshHome();
			await copyFile(root.path, join(at, 'root.json'));
			await runClient(program, ['init', '--url', urls.tuf, '--file', 'root.json'], at, tlsSettings('go-tuf', home));
			const what = ['get', '--verbose', '--url', urls.tuf, '--turl', `${urls.tuf}/targets`, 'trusted_root.json'];
			return runClient(program, what, at, settings);
		},
	},
	{
		client: 'python-tuf',
		what: 'refresh',
		words: OPENSSL,
		make: async (settings) => {
			const state = join(await freshHome(), 'state');
			await mkdir(state);
			const args = [PYTHON_CLIENT, urls.tuf, root.path, state, 'trusted_root.json'];
			return runClient(programOf('python-tuf') ?? '', args, state, settings);
		},
	},
];

beforeAll(async () => {
	await writeFile(artifact, 'signed by whoever trusts the instance\n');
});

const table: string[][] = [];
afterAll(() => {
	const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
	const lines = table.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  '));
	console.log(`what makes a client trust a private authority, and its words without it:\n${lines.join('\n')}`);
});

describe.each(visits)('$client, $what', ({ client, what, words, make }) => {
	const isThere = client === 'chancery' || programOf(client) !== undefined;
	const settings = tlsSettings(client, home);

	it.runIf(isThere)('is done with the setting', async () => {
		expect(await make(settings)).toMatchObject({ code: 0 });
	});

	it.runIf(isThere)('is refused without the setting', async () => {
		const { code, said } = await make({});
		table.push([client, what, Object.keys(settings).join(' and '), words.exec(said)?.[0] ?? 'NOTHING OF TLS']);
		expect(said).toMatch(words);
		expect(code).not.toBe(0);
	});

	it.runIf(isThere)('is refused with the authority of another instance, which has the same name', async () => {
		const { code, said } = await make(tlsSettings(client, foreign));
		expect(said).toMatch(words);
		expect(code).not.toBe(0);
	});
});

describe.runIf(programOf('sigstore-python'))('sigstore-python with half of its setting', () => {
	const [trust, sign] = pythonVisits();
	const all = tlsSettings('sigstore-python', home);

	it('does not reach TUF by REQUESTS_CA_BUNDLE alone', async () => {
		const half = { REQUESTS_CA_BUNDLE: all.REQUESTS_CA_BUNDLE ?? '' };
		expect(await trust?.make(half)).toMatchObject({ said: expect.stringMatching(OPENSSL) });
	});

	it('does not reach the authority by SSL_CERT_FILE alone', async () => {
		const half = { SSL_CERT_FILE: all.SSL_CERT_FILE ?? '' };
		expect(await sign?.make(half)).toMatchObject({ said: expect.stringMatching(OPENSSL) });
	});
});
