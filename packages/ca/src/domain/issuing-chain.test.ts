import { randomBytes } from 'node:crypto';
import { parseCertificate } from '@chancery/core/certificate';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCaChain } from '../ca-chain.ts';
import { ChainError, chainProblem, openIssuingChain } from './issuing-chain.ts';

const random = (n: number) => new Uint8Array(randomBytes(n));
const pemOf = (...ders: readonly Uint8Array[]) => ders.map((der) => encodePem('CERTIFICATE', der)).join('');

const rootSigner = generateSigner('ecdsa-sha2-384-nistp384');
const issuingSigner = generateSigner('ecdsa-sha2-256-nistp256');
const make = (commonName = 'authority', signers = { rootSigner, issuingSigner }) =>
	createCaChain({ ...signers, organization: 'Tests', commonName, notBefore: new Date(Date.UTC(2026, 0, 1)), random });

let chain: Awaited<ReturnType<typeof make>>;
beforeAll(async () => {
	chain = await make();
});

describe('a new chain', () => {
	it('lasts ten and three years, from the same second', () => {
		const [root, issuing] = [chain.root, chain.issuing].map(parseCertificate);
		expect(root!.notBefore.toISOString()).toBe('2026-01-01T00:00:00.000Z');
		expect(root!.notAfter.toISOString()).toBe('2036-01-01T00:00:00.000Z');
		expect(issuing!.notAfter.toISOString()).toBe('2029-01-01T00:00:00.000Z');
	});

	it('is opened with its own key', () => {
		const opened = openIssuingChain(pemOf(chain.issuing, chain.root), issuingSigner);
		expect(opened.certificates).toHaveLength(2);
		expect(opened.pems.join('')).toBe(pemOf(chain.issuing, chain.root));
	});
});

describe('a chain is refused', () => {
	it.each<{ name: string; pem: () => string | Promise<string>; message: string }>([
		{ name: 'that is empty', pem: () => '', message: 'cannot be read' },
		{
			name: 'that is a key',
			pem: () => encodePem('PUBLIC KEY', issuingSigner.publicKey),
			message: 'a block named PUBLIC KEY',
		},
		{ name: 'that is cut', pem: () => pemOf(chain.issuing.subarray(0, 99)), message: 'cannot be read' },
		{ name: 'without root', pem: () => pemOf(chain.issuing), message: 'which is not a root' },
		{
			name: 'in the wrong order',
			pem: () => pemOf(chain.root, chain.issuing),
			message: "'O=Tests, CN=authority root' is not issued by 'O=Tests, CN=authority'",
		},
		{ name: 'of another key', pem: () => pemOf(chain.root), message: 'the signing key is not the key of' },
		{
			name: 'with a root of the same name and another key',
			pem: async () => {
				const other = generateSigner('ecdsa-sha2-384-nistp384');
				return pemOf(chain.issuing, (await make('authority', { rootSigner: other, issuingSigner })).root);
			},
			message: "'O=Tests, CN=authority' is not issued by 'O=Tests, CN=authority root'",
		},
		{
			name: 'of one changed byte',
			pem: () => {
				const changed = chain.root.slice();
				changed[changed.length - 1]! ^= 1;
				return pemOf(chain.issuing, changed);
			},
			message: 'not a root',
		},
	])('$name', async ({ pem, message }) => {
		const text = await pem();
		expect(() => openIssuingChain(text, issuingSigner)).toThrow(ChainError);
		expect(() => openIssuingChain(text, issuingSigner)).toThrow(message);
	});

	it('with an Ed25519 key, which clients cannot check', async () => {
		const signer = generateSigner('ed25519');
		const made = await make('authority', { rootSigner, issuingSigner: signer });
		expect(() => openIssuingChain(pemOf(made.issuing, made.root), signer)).toThrow('Ed25519');
	});
});

describe('the time of a chain', () => {
	const TEN_MINUTES = 600_000;
	it.each([
		{ at: Date.UTC(2025, 11, 31, 23, 59, 59), problem: /valid from/ },
		{ at: Date.UTC(2026, 0, 1), problem: undefined },
		{ at: Date.UTC(2028, 11, 31, 23, 50), problem: undefined },
		{ at: Date.UTC(2028, 11, 31, 23, 50, 1), problem: /CN=authority' is valid until 2029/ },
	])('is judged for a whole leaf', ({ at, problem }) => {
		const opened = openIssuingChain(pemOf(chain.issuing, chain.root), issuingSigner);
		const found = chainProblem(opened, at, TEN_MINUTES);
		if (problem === undefined) expect(found).toBeUndefined();
		else expect(found).toMatch(problem);
	});
});
