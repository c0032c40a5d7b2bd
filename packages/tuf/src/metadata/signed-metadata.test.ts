import { createHash } from 'node:crypto';
import { generateSigner } from '@chancery/keys/file/generate';
import { Metadata, MetadataKind, Targets } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { buildRoot, buildTargets, type RootMetadata } from './metadata.ts';
import { checkThreshold, encodeMetadata, parseMetadata, signMetadata } from './signed-metadata.ts';
import { identifyKey, publicKeyOf } from './tuf-keys.ts';

const EXPIRES = new Date('2027-01-01T00:00:00.999Z');
const ecdsa = generateSigner('ecdsa-sha2-256-nistp256');
const edwards = generateSigner('ed25519');

describe('a key', () => {
	it.each([ecdsa, edwards])('$algorithm has the id that clients compute, and comes back whole', (signer) => {
		const { keyId, key } = identifyKey(signer.publicKey);
		// Canonical JSON by hand: sorted names, no space, line feeds raw.
		const text = `{"keytype":"${key.keytype}","keyval":{"public":"${key.keyval.public}"},"scheme":"${key.scheme}"}`;
		expect(keyId).toBe(createHash('sha256').update(text).digest('hex'));
		expect(publicKeyOf(key)).toEqual(signer.publicKey);
	});

	it('of another kind is refused', () => {
		expect(() => identifyKey(generateSigner('ecdsa-sha2-384-nistp384').publicKey)).toThrow(/Ed25519 or ECDSA P-256/);
	});
});

const root: RootMetadata = buildRoot({
	version: 1,
	expires: EXPIRES,
	roles: {
		root: { keys: [identifyKey(edwards.publicKey)], threshold: 1 },
		targets: { keys: [identifyKey(ecdsa.publicKey), identifyKey(edwards.publicKey)], threshold: 2 },
		snapshot: { keys: [identifyKey(edwards.publicKey)], threshold: 1 },
		timestamp: { keys: [identifyKey(edwards.publicKey)], threshold: 1 },
	},
});
const targets = buildTargets({
	version: 3,
	expires: EXPIRES,
	targets: { a: { length: 1, hashes: { sha256: '0'.repeat(64) } } },
});

describe('signed metadata', () => {
	it('is verified by the models of tuf-js, in the bytes that are published', async () => {
		const content = encodeMetadata(await signMetadata(targets, [ecdsa, edwards]), 'targets');
		const json = JSON.parse(Buffer.from(content).toString());
		const judge = Metadata.fromJSON(MetadataKind.Root, { signatures: [], signed: JSON.parse(JSON.stringify(root)) });
		judge.verifyDelegate('targets', Metadata.fromJSON(MetadataKind.Targets, json));
		json.signed.version = 4;
		expect(() => judge.verifyDelegate('targets', Metadata.fromJSON(MetadataKind.Targets, json))).toThrow();
		expect(json.signed.expires).toBe('2027-01-01T00:00:00Z');
	});

	it('of tuf-js is verified by us', async () => {
		const theirs = new Targets({ version: 3, specVersion: '1.0.31', expires: '2027-01-01T00:00:00Z' });
		const signed = JSON.parse(JSON.stringify(theirs.toJSON()));
		const metadata = parseMetadata(
			Buffer.from(JSON.stringify(await signMetadata(signed, [ecdsa, edwards]))),
			'targets',
		);
		checkThreshold(metadata, root, 'targets');
	});

	it('counts each key once, and only the keys of its role', async () => {
		const [one, both] = [await signMetadata(targets, [ecdsa]), await signMetadata(targets, [ecdsa, edwards])];
		expect(() => checkThreshold(one, root, 'targets')).toThrow(/by 1 of the 2/);
		checkThreshold(both, root, 'targets');
		const doubled = { ...one, signatures: [...one.signatures, ...one.signatures] };
		expect(() => checkThreshold(doubled, root, 'targets')).toThrow(/two signatures/);
		const renamed = {
			...both,
			signatures: both.signatures.map(({ sig }, i) => ({ keyid: both.signatures[1 - i]!.keyid, sig })),
		};
		expect(() => checkThreshold(renamed, root, 'targets')).toThrow(/by 0 of the 2/);
		expect(() => checkThreshold(one, root, 'snapshot')).toThrow(/by 0 of the 1/);
	});

	it.each([
		['', /not JSON/],
		['{', /not JSON/],
		['[]', /breaks its schema/],
		['{"signatures":[],"signed":{}}', /breaks its schema/],
		[`{"signatures":[],"signed":${'['.repeat(100)}${']'.repeat(100)}}`, /not JSON/],
		[' '.repeat(20_000), /longer than the 16384 bytes/],
	])('is not %j', (text, words) => {
		expect(() => parseMetadata(Buffer.from(text), 'timestamp')).toThrow(words);
	});
});
