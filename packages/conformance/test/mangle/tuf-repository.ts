/**
 * A TUF repository whose every byte is the same in every run: Ed25519 signatures of a key that is no secret, and an end
 * that no run will see. What the instance published would expire within days.
 */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { olpcCanonicalJson } from '@chancery/core/olpc-json';
import { seedText } from './seeds.ts';

const PKCS8_PREFIX = '302e020100300506032b657004220420';
const HEADER = { spec_version: '1.0.31', version: 1, expires: '2999-01-01T00:00:00Z' };

const privateKey = createPrivateKey({
	key: Buffer.concat([Buffer.from(PKCS8_PREFIX, 'hex'), Buffer.alloc(32, 7)]),
	format: 'der',
	type: 'pkcs8',
});
const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: spki.subarray(-32).toString('hex') } };
const keyid = sha256Hex(olpcCanonicalJson(key));
const role = { keyids: [keyid], threshold: 1 };

/** DER SubjectPublicKeyInfo of the one key, which holds every role. */
export const TUF_KEY: Uint8Array = new Uint8Array(spki);

export const TARGETS: Readonly<Record<string, string>> = {
	'trusted_root.json': seedText('trusted_root.json'),
	'signing_config.v0.2.json': seedText('signing_config.v0.2.json'),
};

/** Path -> content, as a mirror serves it. */
export const TUF_FILES: ReadonlyMap<string, Uint8Array> = new Map([
	[
		'/1.root.json',
		signed({ _type: 'root', ...HEADER, consistent_snapshot: true, keys: { [keyid]: key }, roles: rolesOf() }),
	],
	['/timestamp.json', signed({ _type: 'timestamp', ...HEADER, meta: { 'snapshot.json': { version: 1 } } })],
	['/1.snapshot.json', signed({ _type: 'snapshot', ...HEADER, meta: { 'targets.json': { version: 1 } } })],
	['/1.targets.json', signed({ _type: 'targets', ...HEADER, targets: describedTargets() })],
	...Object.entries(TARGETS).map(
		([name, content]) => [`/targets/${sha256Hex(Buffer.from(content))}.${name}`, Buffer.from(content)] as const,
	),
]);

/** The next root, which a client finds only when the mirror has one. */
export const NEXT_ROOT: Uint8Array = signed({
	_type: 'root',
	...HEADER,
	version: 2,
	consistent_snapshot: true,
	keys: { [keyid]: key },
	roles: rolesOf(),
});

function rolesOf() {
	return { root: role, targets: role, snapshot: role, timestamp: role };
}

function describedTargets() {
	return Object.fromEntries(
		Object.entries(TARGETS).map(([name, text]) => {
			const content = Buffer.from(text);
			return [name, { length: content.length, hashes: { sha256: sha256Hex(content) } }];
		}),
	);
}

function signed(content: object): Uint8Array {
	const sig = sign(null, olpcCanonicalJson(content), privateKey).toString('hex');
	return Buffer.from(JSON.stringify({ signatures: [{ keyid, sig }], signed: content }));
}

function sha256Hex(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}
