/**
 * The requests whose answers may never change again, for an instance as it is found: what is read, what is searched, and
 * what is submitted a second time.
 */
import { createHash } from 'node:crypto';
import { leafHashOf } from '../crash/naive-tree.ts';
import { hashTilePaths, tilePathOf } from '../crash/tile-layout.ts';
import type { Sample } from './fill.ts';
import type { Urls } from './program.ts';
import type { Reader } from './reader.ts';
import type { Heads } from './signed-heads.ts';

export interface LastingRequest {
	readonly service: keyof Urls;
	readonly path: string;
	/** JSON text of a POST; undefined for a GET. */
	readonly body?: string;
	/** Member of the answer that follows the newest tree, and is left out of the comparison. */
	readonly moving?: 'inclusionProof' | 'rootHash';
	/** The answer says in JSON what the service can do: a later version may add to it, and takes nothing away. */
	readonly mayGrow?: true;
}

const WIDTH = 256;
/** Entries and proofs that are asked for in each log, spread over all of it. */
const SPREAD = 50;
const CT_ENTRIES_PER_REQUEST = 256;
const V1_PER_RETRIEVAL = 10;

export async function lastingRequests(
	reader: Reader,
	heads: Heads,
	samples: readonly Sample[],
): Promise<LastingRequest[]> {
	return [
		...(await authorities(reader)),
		...(await tufFiles(reader)),
		...(await signatureLogV1(reader, heads.v1.size, samples)),
		...tiles('log2', '/api/v2/', 'entries', heads.v2.size),
		...(await ctlog(reader, heads.ct.size)),
		...samples.map(({ submission }) => repeated(submission)),
	];
}

/** The same submission again. A v1 or v2 answer proves the entry in the newest tree; a CT answer is its SCT alone. */
export function repeated({ service, path, body }: Sample['submission']): LastingRequest {
	return { service, path, body, ...(service === 'ctlog' ? {} : { moving: 'inclusionProof' as const }) };
}

/** Chains, configurations and keys. */
async function authorities(reader: Reader): Promise<LastingRequest[]> {
	const discovery: LastingRequest[] = [];
	for (const issuer of ['/auth', '/ci']) {
		const path = `${issuer}/.well-known/openid-configuration`;
		const { jwks_uri: keys } = await reader.json<{ jwks_uri: string }>('identity', path);
		discovery.push({ service: 'identity', path, mayGrow: true }, { service: 'identity', path: new URL(keys).pathname });
	}
	return [
		...discovery,
		{ service: 'ca', path: '/api/v2/trustBundle' },
		{ service: 'ca', path: '/api/v2/configuration', mayGrow: true },
		{ service: 'ca', path: '/api/v1/rootCert' },
		{ service: 'tsa', path: '/api/v1/timestamp/certchain' },
		{ service: 'log', path: '/api/v1/log/publicKey' },
	];
}

interface Metadata {
	readonly signed: {
		readonly meta: Readonly<Record<string, { readonly version: number }>>;
		readonly targets: Readonly<Record<string, { readonly hashes: { readonly sha256: string } }>>;
	};
}

/** Everything with a version or a hash in its name: all roots, and what the newest timestamp leads to. */
async function tufFiles(reader: Reader): Promise<LastingRequest[]> {
	const paths: string[] = [];
	for (let version = 1; (await reader.ask('tuf', `/${version}.root.json`)).status === 200; version++)
		paths.push(`/${version}.root.json`);
	const { signed: timestamp } = await reader.json<Metadata>('tuf', '/timestamp.json');
	const snapshotPath = `/${timestamp.meta['snapshot.json']?.version}.snapshot.json`;
	const { signed: snapshot } = await reader.json<Metadata>('tuf', snapshotPath);
	const targetsPath = `/${snapshot.meta['targets.json']?.version}.targets.json`;
	const { signed } = await reader.json<Metadata>('tuf', targetsPath);
	const files = Object.entries(signed.targets).map(([name, { hashes }]) => `/targets/${hashes.sha256}.${name}`);
	return [...paths, snapshotPath, targetsPath, ...files].map((path) => ({ service: 'tuf' as const, path }));
}

async function signatureLogV1(reader: Reader, size: number, samples: readonly Sample[]): Promise<LastingRequest[]> {
	const service = 'log' as const;
	const requests: LastingRequest[] = [];
	const indexes = spread(size);
	for (const index of indexes) {
		const path = `/api/v1/log/entries?logIndex=${index}`;
		const [uuid = ''] = Object.keys(await reader.json<object>(service, path));
		requests.push({ service, path, moving: 'inclusionProof' });
		requests.push({ service, path: `/api/v1/log/entries/${uuid}`, moving: 'inclusionProof' });
		const proof = `/api/v1/log/proof?firstSize=${index + 1}&lastSize=${size}`;
		requests.push({ service, path: proof, moving: 'rootHash' });
	}
	for (let at = 0; at < indexes.length; at += V1_PER_RETRIEVAL) {
		const body = JSON.stringify({ logIndexes: indexes.slice(at, at + V1_PER_RETRIEVAL) });
		requests.push({ service, path: '/api/v1/log/entries/retrieve', body, moving: 'inclusionProof' });
	}
	for (const { submission } of samples) {
		if (submission.kind !== 'v1-hashedrekord') continue;
		const { data, signature } = JSON.parse(submission.body).spec;
		for (const query of [
			{ hash: `sha256:${data.hash.value}` },
			{ publicKey: { format: 'x509', content: signature.publicKey.content } },
		])
			requests.push({ service, path: '/api/v1/index/retrieve', body: JSON.stringify(query) });
	}
	return requests;
}

async function ctlog(reader: Reader, size: number): Promise<LastingRequest[]> {
	const service = 'ctlog' as const;
	const requests: LastingRequest[] = [
		{ service, path: '/ct/v1/get-roots' },
		{ service, path: '/log.v3.json' },
		...tiles(service, '/', 'data', size),
	];
	for (let start = 0; start < size; start += CT_ENTRIES_PER_REQUEST) {
		const end = Math.min(start + CT_ENTRIES_PER_REQUEST, size) - 1;
		requests.push({ service, path: `/ct/v1/get-entries?start=${start}&end=${end}` });
	}
	for (const index of spread(size)) {
		const path = `/ct/v1/get-entry-and-proof?leaf_index=${index}&tree_size=${size}`;
		const { leaf_input: leaf } = await reader.json<{ leaf_input: string }>(service, path);
		const hash = encodeURIComponent(leafHashOf(Buffer.from(leaf, 'base64')).toString('base64'));
		requests.push({ service, path });
		requests.push({ service, path: `/ct/v1/get-proof-by-hash?hash=${hash}&tree_size=${size}` });
		requests.push({ service, path: `/ct/v1/get-sth-consistency?first=${index + 1}&second=${size}` });
	}
	// Tile readers find the chains of entries by the hashes of their certificates.
	const bundle = await reader.text('ca', '/api/v1/rootCert');
	for (const [, text = ''] of bundle.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)) {
		const fingerprint = createHash('sha256').update(Buffer.from(text, 'base64')).digest('hex');
		requests.push({ service, path: `/issuer/${fingerprint}` });
	}
	return requests;
}

/** All hash tiles and bundles of a tree, with the partial ones at its edge. */
function tiles(service: keyof Urls, prefix: string, bundles: 'entries' | 'data', size: number): LastingRequest[] {
	const paths = hashTilePaths(size).map(({ path }) => path);
	for (let index = 0; index * WIDTH < size; index++)
		paths.push(tilePathOf('entries', index, size).replace('/entries/', `/${bundles}/`));
	return paths.map((path) => ({ service, path: `${prefix}${path}` }));
}

/** Indexes from the first to the last. */
function spread(size: number): number[] {
	const count = Math.min(SPREAD, size);
	return Array.from({ length: count }, (_, i) => Math.floor((i * (size - 1)) / Math.max(1, count - 1)));
}
