/**
 * Writes `seeds.json`: what a running instance said and was told while it signed. Run by hand when a wire changes:
 *
 *     node packages/conformance/test/mangle/collect-seeds.ts DATA_FOLDER
 *
 * The seeds are kept in the repository because a case can only be repeated from the same seeds. Nothing in them is
 * secret: the instance is a development one, its tokens expire within minutes, its keys are not here.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signTrustReport } from '@chancery/chassis/trust-report';
import { attestBlob, inTotoStatement, signBlob } from '@chancery/client/sign';
import { generateSigner } from '@chancery/keys/file/generate';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { parseSigningConfig } from '@chancery/wire/signing-config';

const ARTIFACT = new TextEncoder().encode('signed to be mangled\n');
const EMAIL = 'alice@example.com';
const COMMAND = join(import.meta.dirname, '../../../cli/bin/chancery');

const [, , data = ''] = process.argv;
const read = (path: string) => readFileSync(join(data, path));
const instance = JSON.parse(read('instance.json').toString());
const url = (service: string): string => instance.services[service].url;

const seeds: Record<string, { text: string } | { base64: string }> = {};

/** Kept as text where it is text: a changed seed can then be read in a diff. */
function keep(name: string, content: Uint8Array): void {
	const text = Buffer.from(content).toString('utf8');
	seeds[name] = Buffer.from(text).equals(content) ? { text } : { base64: Buffer.from(content).toString('base64') };
}

/** A fetch that keeps the first request and the first reply of each path. */
const recording: typeof fetch = async (input, init) => {
	const name = new URL(String(input)).pathname;
	const wire = url('log2') === new URL(String(input)).origin ? 'v2' : 'v1';
	const label = name.endsWith('log/entries') ? `${wire} ${name} ${entryCount++}` : name;
	if (init?.body) keep(`${label} request`, bytesOf(init.body as string | Uint8Array));
	const response = await fetch(input, init);
	keep(`${label} reply`, new Uint8Array(await response.clone().arrayBuffer()));
	return response;
};
let entryCount = 0;

function bytesOf(body: string | Uint8Array): Uint8Array {
	return typeof body === 'string' ? new TextEncoder().encode(body) : body;
}

async function get(name: string, address: string): Promise<Uint8Array> {
	const response = await fetch(address);
	const bytes = new Uint8Array(await response.arrayBuffer());
	if (!response.ok) throw new Error(`${address} answered ${response.status}`);
	keep(name, bytes);
	return bytes;
}

const token = (...more: string[]): string =>
	execFileSync(COMMAND, ['token', '--data', data, '--email', EMAIL, ...more])
		.toString()
		.trim();

const statement = inTotoStatement({
	name: 'artifact.txt',
	artifact: { bytes: ARTIFACT },
	predicateType: 'https://example.com/test/v1',
	predicate: { ok: true, materials: [] },
});
keep('artifact', ARTIFACT);
keep('statement', statement);

for (const name of ['trusted_root.json', 'signing_config.v0.2.json', 'client_trust_config.json'])
	keep(name, read(join('trust', name)));
const json = (name: string): unknown => JSON.parse(read(join('trust', name)).toString());

for (const version of [2, 1] as const) {
	const deps = () => ({
		signingConfig: parseSigningConfig(json('signing_config.v0.2.json')),
		trust: openTrustedRoot(json('trusted_root.json')),
		identityToken: token(),
		logApiVersions: [version],
		fetch: recording,
		clock: Date.now,
		random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
	});
	const blob = await signBlob({ bytes: ARTIFACT }, deps());
	keep(`v${version} blob bundle`, bytesOf(JSON.stringify(blob.bundle)));
	const attested = await attestBlob({ bytes: ARTIFACT }, statement, deps());
	keep(`v${version} attestation bundle`, bytesOf(JSON.stringify(attested.bundle)));
}

const issued = token();
keep('token', bytesOf(issued));
keep('token time', bytesOf(String(Date.now())));
keep('token issuer', bytesOf(instance.oidcIssuer));
const discovery = JSON.parse(
	Buffer.from(await get('discovery', `${instance.oidcIssuer}/.well-known/openid-configuration`)).toString(),
);
await get('jwks', discovery.jwks_uri);
await get('trust bundle', `${url('ca')}/api/v2/trustBundle`);
await get('configuration', `${url('ca')}/api/v2/configuration`);
await get('root certificates', `${url('ca')}/api/v1/rootCert`);
await get('tsa chain', `${url('tsa')}/api/v1/timestamp/certchain`);
await get('v1 log', `${url('log')}/api/v1/log`);
await get('v1 public key', `${url('log')}/api/v1/log/publicKey`);
await get('v1 proof', `${url('log')}/api/v1/log/proof?firstSize=1&lastSize=2`);
const checkpoint = Buffer.from(await get('v2 checkpoint', `${url('log2')}/checkpoint`)).toString();
const size = Number(checkpoint.split('\n')[1]);
await get('v2 entry bundle', `${url('log2')}/tile/entries/000.p/${size}`);
await get('v2 tile', `${url('log2')}/tile/0/000.p/${size}`);
const ctCheckpoint = Buffer.from(await get('ct checkpoint', `${url('ctlog')}/checkpoint`)).toString();
await get('ct data tile', `${url('ctlog')}/tile/data/000.p/${Number(ctCheckpoint.split('\n')[1])}`);
await get('ct sth', `${url('ctlog')}/ct/v1/get-sth`);
await get('ct entries', `${url('ctlog')}/ct/v1/get-entries?start=0&end=1`);
await get('ct entry and proof', `${url('ctlog')}/ct/v1/get-entry-and-proof?leaf_index=0&tree_size=2`);
await get('ct roots', `${url('ctlog')}/ct/v1/get-roots`);
await get('ct description', `${url('ctlog')}/log.v3.json`);
const timestamp = await get('timestamp.json', `${url('tuf')}/timestamp.json`);
const snapshotVersion = JSON.parse(Buffer.from(timestamp).toString()).signed.meta['snapshot.json'].version;
const snapshot = await get('snapshot.json', `${url('tuf')}/${snapshotVersion}.snapshot.json`);
const targetsVersion = JSON.parse(Buffer.from(snapshot).toString()).signed.meta['targets.json'].version;
await get('targets.json', `${url('tuf')}/${targetsVersion}.targets.json`);
await get('root.json', `${url('tuf')}/1.root.json`);

// What no instance of its own accord says to a client.
const folder = mkdtempSync(join(tmpdir(), 'chancery-seeds-'));
const key = generateSigner('ecdsa-sha2-256-nistp256');
const statedAt = Date.now();
const material = { kind: 'identity', issuer: 'https://idp.example' } as const;
keep(
	'trust report',
	bytesOf(JSON.stringify(await signTrustReport({ service: 'ca', material, issuedAtMs: statedAt }, key))),
);
const request = [
	'req',
	'-new',
	'-batch',
	'-newkey',
	'ec',
	'-pkeyopt',
	'ec_paramgen_curve:P-256',
	'-nodes',
	'-subj',
	'/CN=x',
];
keep(
	'csr',
	execFileSync('openssl', [...request, '-keyout', join(folder, 'key.pem')], { stdio: ['ignore', 'pipe', 'ignore'] }),
);
const mark = openFileMark(join(folder, 'mark'));
const root = new Uint8Array(32).fill(7);
await mark.advance({ origin: 'localhost', keyId: root, size: 4, root, note: seedBytes('v2 checkpoint') });
await mark.close?.();
keep('mark', readFileSync(join(folder, 'mark')));
rmSync(folder, { recursive: true });

function seedBytes(name: string): Uint8Array {
	const seed = seeds[name];
	return seed && 'text' in seed ? bytesOf(seed.text) : Buffer.from(seed?.base64 ?? '', 'base64');
}

const tab = '\t';
writeFileSync(join(import.meta.dirname, 'seeds.json'), `${JSON.stringify(seeds, undefined, tab)}\n`);
