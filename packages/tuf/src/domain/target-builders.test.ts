import { createPublicKey, X509Certificate } from 'node:crypto';
import type { TrustMaterial } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { generateSigner } from '@chancery/keys/file/generate';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import { parseTrustedRoot, type TrustedRootJson } from '@chancery/wire/trusted-root';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeChain, type TestChain } from '../../test/certificates.ts';
import { logMaterial } from '../../test/reporting-services.ts';
import { legacyTargets } from './legacy-targets.ts';
import { buildSigningConfig } from './signing-config-target.ts';
import { extendTrustedRoot } from './trusted-root-target.ts';

const START = '2026-01-01T00:00:00.900Z';
const subject = { organization: 'o', commonName: 'c' };
let chain: TestChain;
let ca: TrustMaterial;
let tsa: TrustMaterial;
const v1 = { ...logMaterial(generateSigner('ecdsa-sha2-256-nistp256'), 'http://rekor.test'), validForStart: START };
const v2 = { ...logMaterial(generateSigner('ed25519'), 'http://log2.test', 2), validForStart: START };
const { majorApiVersion: _none, ...log } = v1;
const ctlog: TrustMaterial = { ...log, kind: 'ctlog', baseUrl: 'http://ct.test' };
const identity: TrustMaterial = { kind: 'identity', issuer: 'http://id.test/auth' };
beforeAll(async () => {
	chain = await makeChain();
	const certChain = chain.certificates.map(toBase64);
	ca = { kind: 'certificate-authority', subject, uri: 'http://ca.test', certChain, validForStart: START };
	tsa = { kind: 'timestamp-authority', subject, uri: 'http://tsa.test/x', certChain, validForStart: START };
});
const all = () => [identity, v2, v1, ctlog, tsa, ca];

describe('trusted_root.json', () => {
	it('has an instance of each kind, begun at the whole second, and neither operator nor checkpointKeyId', () => {
		const root = extendTrustedRoot(undefined, all());
		expect(parseTrustedRoot(root).tlogs).toHaveLength(2);
		expect(root.mediaType).toBe('application/vnd.dev.sigstore.trustedroot+json;version=0.1');
		expect(root.tlogs?.[0]).toEqual({
			baseUrl: 'http://log2.test',
			hashAlgorithm: 'SHA2_256',
			publicKey: { rawBytes: v2.publicKey, keyDetails: 'PKIX_ED25519', validFor: { start: '2026-01-01T00:00:00Z' } },
			logId: { keyId: v2.logId },
		});
		expect(root.certificateAuthorities?.[0]).toEqual({
			subject,
			uri: 'http://ca.test',
			certChain: { certificates: chain.certificates.map((der) => ({ rawBytes: toBase64(der) })) },
			validFor: { start: '2026-01-01T00:00:00Z' },
		});
		expect([root.ctlogs?.length, root.timestampAuthorities?.length]).toEqual([1, 1]);
		expect(JSON.stringify(root)).not.toMatch(/operator|checkpointKeyId/);
	});

	it('keeps every published entry as an operator left it', () => {
		const root = extendTrustedRoot(undefined, all());
		const ended: TrustedRootJson = structuredClone(root);
		Object.assign(ended.tlogs![0]!.publicKey, {
			validFor: { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' },
		});
		Object.assign(ended.certificateAuthorities![0]!, { validFor: { end: '2026-02-01T00:00:00Z' } });
		expect(extendTrustedRoot(ended, all())).toEqual(ended);
		expect(extendTrustedRoot(ended, [])).toEqual(ended);
	});

	it('sorts new entries in, oldest first', async () => {
		const start = (validForStart: string) => ({
			...logMaterial(generateSigner('ed25519'), `http://log-${validForStart.slice(0, 4)}.test`),
			validForStart,
		});
		const first = extendTrustedRoot(undefined, [start('2027-01-01T00:00:00Z'), start('2025-01-01T00:00:00Z')]);
		const both = extendTrustedRoot(first, [start('2026-01-01T00:00:00Z')]);
		const years = (both.tlogs ?? []).map(({ baseUrl }) => baseUrl?.slice(11, 15));
		expect(years).toEqual(['2025', '2026', '2027']);
	});

	it('does not take a second key under the id of a log that is there', () => {
		const root = extendTrustedRoot(undefined, [v1]);
		const squatter = { ...logMaterial(generateSigner('ed25519'), 'http://evil.test'), logId: v1.logId };
		expect(extendTrustedRoot(root, [squatter])).toEqual(root);
	});
});

describe('signing_config.v0.2.json', () => {
	const config = { operator: 'example.test', defaultLogApiVersion: 2, oidcIssuers: [] as string[] } as const;

	it('names the issuers of the operator behind those that services report', () => {
		const oidcIssuers = ['https://login.example.com/realms/people'];
		const { oidcUrls } = buildSigningConfig(all(), { ...config, oidcIssuers });
		expect((oidcUrls ?? []).map(({ url }) => url)).toEqual(['http://id.test/auth', ...oidcIssuers]);
	});

	it('names every service with its selector, newest log wire first', () => {
		const built = buildSigningConfig(all(), config);
		expect(built).toMatchObject({
			mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
			caUrls: [{ url: 'http://ca.test', majorApiVersion: 1, operator: 'example.test' }],
			oidcUrls: [{ url: 'http://id.test/auth' }],
			rekorTlogUrls: [
				{ url: 'http://log2.test', majorApiVersion: 2 },
				{ url: 'http://rekor.test', majorApiVersion: 1 },
			],
			rekorTlogConfig: { selector: 'ANY' },
			tsaUrls: [{ url: 'http://tsa.test/x', validFor: { start: '2026-01-01T00:00:00Z' } }],
			tsaConfig: { selector: 'ANY' },
		});
		expect(parseSigningConfig(built).tsaUrls).toHaveLength(1);
	});

	it('with wire 1 as default names no other, because clients take the highest they know', () => {
		const { rekorTlogUrls } = buildSigningConfig(all(), { ...config, defaultLogApiVersion: 1 });
		expect(rekorTlogUrls?.map(({ majorApiVersion }) => majorApiVersion)).toEqual([1]);
	});

	it('leaves a selector out with its services: some clients throw otherwise', () => {
		const built = buildSigningConfig([ca], config);
		expect(built).not.toHaveProperty('tsaConfig');
		expect(built).not.toHaveProperty('rekorTlogConfig');
		expect(parseSigningConfig(built).rekorTlogUrls).toEqual([]);
		expect(parseSigningConfig(buildSigningConfig([identity], config)).oidcUrls).toHaveLength(1);
	});
});

describe('the PEM files of older clients', () => {
	it('hold what they say, under the names that those clients look for', () => {
		const files = new Map(legacyTargets(all()).map((file) => [file.name, file]));
		expect([...files.keys()].sort()).toEqual([
			'ctfe.pub',
			'fulcio_intermediate_v1.crt.pem',
			'fulcio_v1.crt.pem',
			'rekor.pub',
			'tsa_leaf.crt.pem',
			'tsa_root.crt.pem',
		]);
		const text = (name: string) => Buffer.from(files.get(name)?.content ?? '').toString();
		const [first, root] = chain.certificates;
		expect(new X509Certificate(text('fulcio_v1.crt.pem')).raw).toEqual(Buffer.from(root));
		expect(new X509Certificate(text('fulcio_intermediate_v1.crt.pem')).raw).toEqual(Buffer.from(first));
		expect(new X509Certificate(text('tsa_leaf.crt.pem')).raw).toEqual(Buffer.from(first));
		const key = createPublicKey(text('rekor.pub')).export({ type: 'spki', format: 'der' });
		expect(key.toString('base64')).toBe(v1.publicKey);
		expect(files.get('ctfe.pub')?.custom).toEqual({
			sigstore: { usage: 'CTFE', status: 'Active', uri: 'http://ct.test' },
		});
	});

	it('name only the first of several, and the intermediates of a timestamp authority by number', () => {
		const [first, root] = chain.certificates.map(toBase64) as [string, string];
		const long: TrustMaterial = { ...tsa, certChain: [first, first, root, root] } as TrustMaterial;
		const names = legacyTargets([long, tsa, v2]).map(({ name }) => name);
		expect(names).toEqual([
			'tsa_leaf.crt.pem',
			'tsa_intermediate_0.crt.pem',
			'tsa_intermediate_1.crt.pem',
			'tsa_root.crt.pem',
		]);
	});
});
