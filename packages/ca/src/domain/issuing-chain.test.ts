import { randomBytes } from 'node:crypto';
import { parseCertificate } from '@chancery/core/certificate';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/generate';
import { beforeAll, describe, expect, it } from 'vitest';
import { issuerSettings } from '../issuers/issuer-types.ts';
import { createCaChain } from './ca-chain.ts';
import { ChainError, chainProblem, openIssuingChain } from './issuing-chain.ts';
import { checkProfile, ProfileError } from './production-profile.ts';

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

describe('profile production', () => {
	const open = async (commonName: string) => {
		const made = await make(commonName);
		return openIssuingChain(pemOf(made.issuing, made.root), issuingSigner);
	};
	const GITHUB = { type: 'github-actions', issuer: 'https://token.actions.githubusercontent.com' };
	const rule = { rules: [{ claim: 'repository_owner', anyOf: ['octo-org'] }] };
	const subject = (issuer: object, publicUrl = 'https://ca.example') => ({
		profile: 'production' as const,
		publicUrl,
		issuers: [issuerSettings.parse(issuer)],
	});

	it.each([
		{ name: 'a private provider', config: subject({ type: 'email', issuer: 'https://login.example' }) },
		{ name: 'a public CI with a claim rule', config: subject({ ...GITHUB, ...rule }) },
		{ name: 'a public CI that was allowed by name', config: subject({ ...GITHUB, allowEveryone: true }) },
	])('accepts $name', async ({ config }) => {
		checkProfile(config, await open('authority'));
	});

	it.each([
		{ name: 'a public CI', config: subject(GITHUB), message: 'serves the whole world' },
		{
			name: 'a subdomain of a public CI',
			config: subject({ type: 'email', issuer: 'https://x.gitlab.com' }),
			message: 'serves the whole world',
		},
		{
			name: 'an issuer without TLS',
			config: subject({ type: 'email', issuer: 'http://login.example' }),
			message: 'issuer http://login.example is not https',
		},
		{
			name: 'a public URL without TLS',
			config: subject({ type: 'email', issuer: 'https://login.example' }, 'http://ca.example'),
			message: 'publicUrl http://ca.example is not https',
		},
	])('refuses $name, and development accepts it', async ({ config, message }) => {
		const chainOfTests = await open('authority');
		expect(() => checkProfile(config, chainOfTests)).toThrow(ProfileError);
		expect(() => checkProfile(config, chainOfTests)).toThrow(message);
		checkProfile({ ...config, profile: 'development' }, chainOfTests);
	});

	it('refuses a chain that is marked as development', async () => {
		const config = subject({ type: 'email', issuer: 'https://login.example' });
		const marked = await open('Chancery development CA');
		expect(() => checkProfile(config, marked)).toThrow('marked as development');
	});
});
