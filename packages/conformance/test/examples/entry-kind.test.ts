/**
 * The entry kind of CONTRIBUTING.md, in a running instance: taken, refused, found, served, verified.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePortBase } from '@chancery/testkit/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { V1Entry } from '../crash/signed-trees.ts';
import { end, start } from '../judges/instance.ts';
import { type Example, exampleOf } from './example-blocks.ts';
import { checkForm, checkTypes, copyWithExample, run, type WorkspaceCopy } from './workspace-copy.ts';

const example = exampleOf('Adding an entry kind');
const CHECKOUT_COMMAND = join(import.meta.dirname, '../../../cli/bin/chancery');

let copy: WorkspaceCopy;
let folder: string;
let stop: (() => Promise<void>) | undefined;
let logUrl: string;

beforeAll(async () => {
	copy = await copyWithExample(example);
	folder = join(copy.root, 'run');
	mkdirSync(folder, { mode: 0o711 });
	const instance = await start(join(folder, 'data'), await freePortBase(), [], {
		command: join(copy.root, 'packages/cli/bin/chancery'),
		startWithinMs: 240_000,
	});
	stop = () => end(instance);
	logUrl = JSON.parse(readFileSync(join(folder, 'data/instance.json'), 'utf8')).services.log.url;
});
afterAll(async () => {
	await stop?.();
	await copy?.remove();
});

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const fromHex = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();

const TEXT = 'Version 2 is out.';
const sha256 = createHash('sha256').update(TEXT).digest();
const signature = sign('sha256', Buffer.from(TEXT), privateKey);
const proposalOf = (changes: object = {}) => ({
	kind: 'message',
	apiVersion: '0.0.1',
	spec: { text: TEXT, signature: base64(signature), publicKey: base64(pem(publicKey)), ...changes },
});

async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
	const reply = await fetch(`${logUrl}${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	return { status: reply.status, body: await reply.json() };
}

/** The bundle of a signature with a key, whose only proof of its time is the promise of the log. */
function bundleOf({ body, integratedTime, logID, logIndex, verification }: V1Entry, signed: Uint8Array): object {
	const { checkpoint, hashes, rootHash, treeSize, logIndex: leaf } = verification.inclusionProof;
	const entry = {
		logIndex,
		logId: { keyId: fromHex(logID) },
		kindVersion: { kind: 'message', version: '0.0.1' },
		integratedTime,
		inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
		inclusionProof: {
			logIndex: leaf,
			rootHash: fromHex(rootHash),
			treeSize,
			hashes: hashes.map(fromHex),
			checkpoint: { envelope: checkpoint },
		},
		canonicalizedBody: body,
	};
	return {
		mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
		verificationMaterial: { publicKey: { hint: 'ours' }, tlogEntries: [entry] },
		messageSignature: {
			messageDigest: { algorithm: 'SHA2_256', digest: base64(sha256) },
			signature: base64(signed),
		},
	};
}

describe('the same kind in the list of the log alone', () => {
	const inLog = (text: string) => text.replaceAll('packages/wire/src/kinds/', 'packages/log/src/kinds/');
	const ofWire = (text: string) => text.replace(/'\.\.\/entries\/([a-z0-9-]+)\.ts'/g, "'@chancery/wire/entries/$1'");
	const moved: Example = {
		files: example.files.map(({ path, text }) => ({ path: inLog(path), text: ofWire(text) })),
		additions: example.additions.map(({ path, lines }) => ({ path: inLog(path), lines })),
	};
	let other: WorkspaceCopy;
	beforeAll(async () => {
		other = await copyWithExample(moved);
		// As `npm run exports` would: the log now imports more of the wire.
		const manifest = join(other.root, 'packages/wire/package.json');
		const { exports, ...settings } = JSON.parse(readFileSync(manifest, 'utf8'));
		const face = { ...exports, './entries/*': './src/entries/*.ts' };
		writeFileSync(manifest, JSON.stringify({ ...settings, exports: face }));
	});
	afterAll(() => other?.remove());

	it('passes the compiler', async () => {
		await checkTypes(other, ['log']);
	});

	it('is taken by the log, and unknown to the verifier', async () => {
		const program = `
			import { findKind } from './packages/wire/src/kinds/entry-kinds.ts';
			import { admitV1 } from './packages/log/src/kinds/enabled-kinds.ts';
			const { kind, leaf } = await admitV1(${JSON.stringify(proposalOf())}, async () => true);
			console.log(JSON.stringify({ kind, bytes: leaf.length, verifier: findKind({ kind, version: '0.0.1' }) ?? null }));`;
		const { code, said } = await other.node('--input-type=module', '--eval', program);
		expect(code, said).toBe(0);
		expect(JSON.parse(said)).toEqual({ kind: 'message', bytes: expect.any(Number), verifier: null });
	});
});

describe('the entry kind that CONTRIBUTING shows', () => {
	let id: string;
	let stored: V1Entry;

	it('is one file and one line, and passes the compiler and the formatter', async () => {
		expect(example.files).toHaveLength(1);
		expect(example.additions.flatMap(({ lines }) => lines)).toHaveLength(1);
		await checkTypes(copy, ['wire', 'verify', 'log']);
		await checkForm(copy, example);
	});

	it('is taken when its signature is right, and kept in canonical JSON', async () => {
		const reply = await post('/api/v1/log/entries', proposalOf());
		expect(reply).toMatchObject({ status: 201 });
		[[id, stored]] = Object.entries(reply.body as Record<string, V1Entry>) as [[string, V1Entry]];
		const { spec } = proposalOf();
		expect(Buffer.from(stored.body, 'base64').toString()).toBe(
			`{"apiVersion":"0.0.1","kind":"message","spec":{"publicKey":"${spec.publicKey}","signature":"${spec.signature}","text":"${TEXT}"}}`,
		);
	});

	it.each([
		[
			'a signature over something else',
			{ text: 'Version 3 is out.' },
			/^error processing entry: the signature does not/,
		],
		[
			'another key',
			{ publicKey: base64(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)) },
			/does not/,
		],
		['a key that is none', { publicKey: base64('hello') }, /the public key cannot be read/],
		[
			'a signature that is no base64',
			{ signature: 'a*b' },
			/^error processing entry: signature is not standard base64/,
		],
		['half a character', { text: '\ud800' }, /not valid Unicode/],
		['no text', { text: '' }, /text/],
	])('is refused with %s', async (_, changes, words) => {
		const reply = await post('/api/v1/log/entries', proposalOf(changes));
		expect(reply).toMatchObject({ status: 400, body: { message: expect.stringMatching(words) } });
	});

	it.each([
		['the hash of its text', { hash: `sha256:${sha256.toString('hex')}` }],
		['its key', { publicKey: { format: 'x509', content: base64(pem(publicKey)) } }],
	])('is found by %s', async (_, query) => {
		expect(await post('/api/v1/index/retrieve', query)).toEqual({ status: 200, body: [id] });
	});

	it('is served by its name and by what was proposed', async () => {
		const byName = await fetch(`${logUrl}/api/v1/log/entries/${id}`);
		expect(await byName.json()).toMatchObject({ [id]: { body: stored.body } });
		const byProposal = await post('/api/v1/log/entries/retrieve', { entries: [proposalOf()] });
		expect(byProposal).toMatchObject({ status: 200, body: [{ [id]: { body: stored.body } }] });
	});

	describe('in a bundle', () => {
		const verify = (command: string, bundle: object, text = TEXT) => {
			const [artifactFile, bundleFile, keyFile] = ['text', 'bundle.json', 'key.pem'].map((name) => join(folder, name));
			writeFileSync(artifactFile!, text);
			writeFileSync(bundleFile!, JSON.stringify(bundle));
			writeFileSync(keyFile!, pem(publicKey));
			const { trustedRoot } = JSON.parse(readFileSync(join(folder, 'data/instance.json'), 'utf8'));
			const trust = ['--trusted-root', trustedRoot, '--key', keyFile!, '--bundle', bundleFile!];
			return run(command, ['verify-blob', ...trust, artifactFile!]);
		};
		const ours = () => join(copy.root, 'packages/cli/bin/chancery');

		it('is verified', async () => {
			expect(await verify(ours(), bundleOf(stored, signature))).toMatchObject({ code: 0 });
		});

		it('is not that of another signature over the same text', async () => {
			const again = sign('sha256', Buffer.from(TEXT), privateKey);
			const outcome = await verify(ours(), bundleOf(stored, again));
			expect(outcome.code).not.toBe(0);
			expect(outcome.said).toContain('the log entry has another signature than the bundle');
		});

		it('is refused by name where nobody knows the kind', async () => {
			const outcome = await verify(CHECKOUT_COMMAND, bundleOf(stored, signature));
			expect(outcome.code).not.toBe(0);
			expect(outcome.said).toContain('entries of kind message/0.0.1 are not supported');
		});
	});
});
