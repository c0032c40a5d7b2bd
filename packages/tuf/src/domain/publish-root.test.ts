import { generateSigner } from '@chancery/keys/file/generate';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RootPlan, TestRepository } from '../../test/repository.ts';
import { keyIdOf } from '../metadata/tuf-keys.ts';

let repository: TestRepository;
beforeAll(async () => {
	repository = await TestRepository.open();
});
beforeEach(() => repository.reset());
afterAll(() => repository.close());

/** Publishes and expects this error; nothing of the root may be visible. */
async function refused(plan: RootPlan, status: number, reason: string, words?: RegExp): Promise<void> {
	const before = await repository.versions();
	const answer = await repository.publishRoot(plan);
	expect(answer.status, JSON.stringify(answer.json)).toBe(status);
	expect(answer.json).toMatchObject({ type: expect.stringContaining(reason), status });
	if (words) expect(answer.json.detail).toMatch(words);
	expect(await repository.versions()).toEqual(before);
}

describe('the first root', () => {
	it('is published by its own threshold, and served byte for byte', async () => {
		const root = await repository.makeRoot();
		const answer = await repository.post('/admin/v1/roots', { root });
		expect([answer.status, answer.json]).toEqual([201, { version: 1 }]);
		const served = await repository.get('/1.root.json');
		expect(served.json).toEqual(JSON.parse(JSON.stringify(root)));
		expect((await repository.get('/root.json')).bytes).toEqual(served.bytes);
		expect(await repository.versions()).toEqual({ root: 1 });
	});

	it.each([0, 2, 3])('is not version %d', async (version) => {
		await refused({ version }, version === 0 ? 400 : 409, version === 0 ? 'invalid-metadata' : 'wrong-version');
	});

	it('needs the threshold of its own keys', async () => {
		const [one, two] = repository.rootKeys;
		const stranger = generateSigner('ed25519');
		const message = /root is signed by 1 of the 2 keys it needs/;
		await refused({ signers: [one!] }, 403, 'threshold-not-met', message);
		await refused({ signers: [one!, stranger] }, 403, 'threshold-not-met', message);
		await refused({ signers: [one!, repository.targetsKeys[0]!] }, 403, 'threshold-not-met', message);
		await refused({ signers: [] }, 403, 'threshold-not-met', /by 0 of/);
		await refused({ signers: [one!, one!] }, 400, 'invalid-metadata', /two signatures by key/);
		expect((await repository.publishRoot({ signers: [stranger, one!, two!] })).status).toBe(201);
	});

	it('is not believed when it was changed after it was signed', async () => {
		const root = JSON.parse(JSON.stringify(await repository.makeRoot()));
		root.signed.expires = '2099-01-01T00:00:00Z';
		expect((await repository.post('/admin/v1/roots', { root })).status).toBe(403);
	});

	it('is not believed when its signatures are damaged', async () => {
		const root = await repository.makeRoot();
		const damaged = root.signatures.map(({ keyid, sig }) => ({
			keyid,
			sig: sig.replace(/^../, (byte) => (byte === '00' ? '01' : '00')),
		}));
		expect((await repository.post('/admin/v1/roots', { root: { ...root, signatures: damaged } })).status).toBe(403);
	});

	it('must not have expired', async () => {
		await refused({ expiresInDays: 0 }, 400, 'invalid-metadata', /expired at/);
		await refused({ expiresInDays: -1 }, 400, 'invalid-metadata', /expired at/);
	});

	it('must not expire more than ten years ahead', async () => {
		await refused({ expiresInDays: 3654 }, 400, 'invalid-metadata', /at most 3653 days/);
		expect((await repository.publishRoot({ expiresInDays: 3653 })).status).toBe(201);
	});

	it('must name the keys of this server, alone in their threshold', async () => {
		const other = generateSigner('ed25519');
		await refused({ snapshot: [other] }, 400, 'invalid-metadata', /does not name this server's snapshot key/);
		await refused({ timestamp: [other] }, 400, 'invalid-metadata', /does not name this server's timestamp key/);
		const { snapshotKey, timestampKey } = repository;
		const both = { snapshot: [snapshotKey, other], timestamp: [timestampKey, other] };
		await refused({ ...both, onlineThreshold: 2 }, 400, 'invalid-metadata', /this server makes one/);
		expect((await repository.publishRoot(both)).status).toBe(201);
	});

	it.each([
		['names a key twice', (root) => repeatKey(root, 'root'), /names a key twice/],
		['names a key twice in another role', (root) => repeatKey(root, 'targets'), /targets names a key twice/],
		[
			'names a key that is not there',
			(root) => withRole(root, 'targets', { keyids: ['0'.repeat(64)], threshold: 1 }),
			/not there/,
		],
		[
			'needs more signatures than it has keys',
			(root) => withRole(root, 'targets', { ...root.roles.targets, threshold: 4 }),
			/needs 4 signatures and has 3/,
		],
		[
			'has a threshold of none',
			(root) => withRole(root, 'targets', { ...root.roles.targets, threshold: 0 }),
			/breaks its schema/,
		],
		['has a role without keys', (root) => withRole(root, 'targets', { keyids: [], threshold: 1 }), /breaks its schema/],
		['lacks a role', (root) => ({ ...root, roles: { ...root.roles, targets: undefined } }), /breaks its schema/],
		[
			'has a role too many',
			(root) => ({ ...root, roles: { ...root.roles, mirrors: root.roles.root } }),
			/breaks its schema/,
		],
		['is not for consistent snapshots', (root) => ({ ...root, consistent_snapshot: false }), /breaks its schema/],
		['has a time with a fraction', (root) => ({ ...root, expires: '2027-01-01T00:00:00.000Z' }), /breaks its schema/],
		['expires on 30 February', (root) => ({ ...root, expires: '2027-02-30T00:00:00Z' }), /does not exist/],
		['expires on 29 February 2027', (root) => ({ ...root, expires: '2027-02-29T00:00:00Z' }), /does not exist/],
		['expires in month 13', (root) => ({ ...root, expires: '2027-13-01T00:00:00Z' }), /does not exist/],
		['expires in hour 24', (root) => ({ ...root, expires: '2027-01-01T24:00:00Z' }), /does not exist/],
		['expires in second 60', (root) => ({ ...root, expires: '2026-12-31T23:59:60Z' }), /does not exist/],
		['is of another specification', (root) => ({ ...root, spec_version: '2.0.0' }), /breaks its schema/],
		['is of another type', (root) => ({ ...root, _type: 'targets' }), /breaks its schema/],
		['has an unknown member', (root) => ({ ...root, extra: 1 }), /breaks its schema/],
	] satisfies [string, (root: Root) => object, RegExp][])('that %s is refused', async (_what, change, words) => {
		await refused({ change: (root) => JSON.parse(JSON.stringify(change(root))) }, 400, 'invalid-metadata', words);
	});

	it('cannot name one key under two ids', async () => {
		const rename = (root: Root) => {
			const [id] = root.roles.root.keyids as [string];
			const { keyval } = root.keys[id] as { keyval: { public: string } };
			const other = 'f'.repeat(64);
			const keys = { ...root.keys, [other]: { ...root.keys[id], keyval } };
			return { ...withRole(root, 'root', { keyids: [...root.roles.root.keyids, other], threshold: 2 }), keys };
		};
		await refused({ change: rename }, 400, 'invalid-metadata', /has the id .* in its canonical form/);
	});

	it('cannot spell a key in a second way, which would give its holder a second vote', async () => {
		const pem = generateSigner('ecdsa-sha2-256-nistp256');
		const respell = (root: Root) => {
			const [id] = root.roles.targets.keyids as [string];
			const key = root.keys[id] as { keytype: string; scheme: string; keyval: { public: string } };
			const respelled = { ...key, keyval: { public: key.keyval.public.replace(/\n$/, '') } };
			return { ...root, keys: { ...root.keys, [idOf(respelled)]: respelled } };
		};
		await refused({ targets: [pem], targetsThreshold: 1, change: respell }, 400, 'invalid-metadata', /canonical form/);
	});

	it.each([
		['no hex', { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'zz' } }],
		['too short', { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'aa' } }],
		['no PEM', { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: 'x' } }],
	])('cannot name a key that is %s', async (_what, key) => {
		const change = (root: Root) => ({ ...root, keys: { ...root.keys, [idOf(key)]: key } });
		await refused({ change }, 400, 'invalid-metadata', /is malformed/);
	});

	it('cannot name a key of a kind that not every client verifies', async () => {
		const p384 = generateSigner('ecdsa-sha2-384-nistp384');
		const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(p384.publicKey)
			.toString('base64')
			.match(/.{1,64}/g)
			?.join('\n')}\n-----END PUBLIC KEY-----\n`;
		const key = { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } };
		await refused(
			{ change: (root) => ({ ...root, keys: { ...root.keys, [idOf(key)]: key } }) },
			400,
			'unsupported-key',
		);
	});

	it('cannot be longer than clients read', async () => {
		// Few and long: a body of many short ones is refused before it is parsed.
		const more = Array.from({ length: 600 }, (_, i) => {
			const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: i.toString(16).padStart(1000, '0') } };
			return [idOf(key), key];
		});
		const change = (root: Root) => ({ ...root, keys: { ...root.keys, ...Object.fromEntries(more) } });
		await refused({ change }, 400, 'invalid-metadata', /longer than the 512000 bytes/);
	});
});

describe('the next root', () => {
	beforeEach(async () => {
		expect((await repository.publishRoot()).status).toBe(201);
	});

	it.each([1, 3, 2 ** 31])('is not version %d', async (version) => {
		await refused({ version }, version > 3 ? 400 : 409, version > 3 ? 'invalid-metadata' : 'wrong-version');
	});

	it('needs the thresholds of the old and of the new keys', async () => {
		const [a, b, c] = repository.rootKeys as [Signer, Signer, Signer];
		const [d, e, f] = [0, 1, 2].map(() => generateSigner('ed25519')) as [Signer, Signer, Signer];
		const plan = (signers: Signer[]) => ({ version: 2, root: [d, e, f], signers });
		for (const tooFew of [
			[a, b],
			[d, e],
			[a, d, e],
			[a, b, d],
			[d, e, f],
			[a, b, c],
		])
			await refused(plan(tooFew), 403, 'threshold-not-met');
		expect((await repository.publishRoot(plan([a, c, e, f]))).status).toBe(201);
		// The old keys cannot be used any more.
		await refused({ version: 3, signers: [a, b, c] }, 403, 'threshold-not-met');
		expect((await repository.publishRoot({ version: 3, root: [a, d, e], signers: [d, e] })).status).toBe(201);
	});

	it('with one holder replaced needs no more than the holders who stay, when they are enough', async () => {
		const [a, b] = repository.rootKeys as [Signer, Signer];
		const root = [a, b, generateSigner('ed25519')];
		expect((await repository.publishRoot({ version: 2, root, signers: [a, b] })).status).toBe(201);
	});

	it('with a raised threshold needs that many of the new keys', async () => {
		const [a, b, c] = repository.rootKeys as [Signer, Signer, Signer];
		const plan = { version: 2, rootThreshold: 3 };
		await refused({ ...plan, signers: [a, b] }, 403, 'threshold-not-met', /by 2 of the 3/);
		expect((await repository.publishRoot({ ...plan, signers: [a, b, c] })).status).toBe(201);
	});

	it('leaves the earlier ones where they are', async () => {
		const before = (await repository.get('/1.root.json')).bytes;
		await repository.publishRoot({ version: 2 });
		expect((await repository.get('/1.root.json')).bytes).toEqual(before);
		expect((await repository.get('/root.json')).json.signed.version).toBe(2);
		expect((await repository.get('/3.root.json')).status).toBe(404);
	});

	it('of two at once is published once', async () => {
		const roots = await Promise.all(
			[1, 2].map((days) => repository.makeRoot({ version: 2, expiresInDays: 100 + days })),
		);
		const answers = await Promise.all(roots.map((root) => repository.post('/admin/v1/roots', { root })));
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
		expect(await repository.versions()).toEqual({ root: 2 });
	});
});

type Signer = ReturnType<typeof generateSigner>;
type Root = Parameters<NonNullable<RootPlan['change']>>[0];

function withRole(root: Root, role: keyof Root['roles'], value: object): Root {
	return { ...root, roles: { ...root.roles, [role]: value } };
}

function repeatKey(root: Root, role: 'root' | 'targets'): Root {
	const { keyids } = root.roles[role];
	return withRole(root, role, { keyids: [...keyids, keyids[0]], threshold: 2 });
}

function idOf(key: object): string {
	return keyIdOf(key as Parameters<typeof keyIdOf>[0]);
}
