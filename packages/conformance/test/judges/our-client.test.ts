/** What our own client signs, judged by `@sigstore/verify`, over both logs; and what our command says of bad input. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attestBlob, inTotoStatement, signBlob } from '@chancery/client/sign';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { chancery, openInstance } from './running-instance.ts';

const instance = openInstance('instance');
const foreign = openInstance('foreignInstance');
const EMAIL = 'alice@example.com';
const ARTIFACT = Buffer.from('signed by our own client\n');
const folder = mkdtempSync(join(tmpdir(), 'chancery-client-'));
const file = join(folder, 'artifact.txt');
writeFileSync(file, ARTIFACT);

const deps = async (logApiVersion: 1 | 2) => ({
	signingConfig: parseSigningConfig(instance.signingConfig),
	trust: openTrustedRoot(instance.trustedRoot),
	identityToken: await instance.token(EMAIL),
	logApiVersions: [logApiVersion] as const,
	fetch,
	clock: Date.now,
	random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
});

const judge = (root: unknown = instance.trustedRoot) =>
	new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), {
		ctlogThreshold: 1,
		tlogThreshold: 1,
		timestampThreshold: 1,
	});

describe.each([1, 2] as const)('over the v%i log', (version) => {
	it('a signature is accepted by @sigstore/verify, and refused for another artifact, identity and instance', async () => {
		const { bundle } = await signBlob({ bytes: ARTIFACT }, await deps(version));
		const judged = bundleFromJSON(bundle as never);
		judge().verify(toSignedEntity(judged, ARTIFACT), { subjectAlternativeName: EMAIL });
		expect(() => judge().verify(toSignedEntity(judged, Buffer.from('x')))).toThrow();
		expect(() =>
			judge().verify(toSignedEntity(judged, ARTIFACT), { subjectAlternativeName: 'bob@example.com' }),
		).toThrow();
		expect(() => judge(foreign.trustedRoot).verify(toSignedEntity(judged, ARTIFACT))).toThrow();
	});

	it('a signature is made as well when the URLs of the signing configuration end in a slash', async () => {
		const { signingConfig, ...others } = await deps(version);
		const slashed = JSON.parse(JSON.stringify(instance.signingConfig), (key, value) =>
			key === 'url' ? `${value}/` : value,
		);
		const { bundle } = await signBlob({ bytes: ARTIFACT }, { ...others, signingConfig: parseSigningConfig(slashed) });
		judge().verify(toSignedEntity(bundleFromJSON(bundle as never), ARTIFACT), { subjectAlternativeName: EMAIL });
	});

	it('an attestation is accepted by @sigstore/verify, and refused when its statement was changed', async () => {
		const statement = inTotoStatement({
			name: 'artifact.txt',
			artifact: { bytes: ARTIFACT },
			predicateType: 'https://example.com/test/v1',
			predicate: { ok: true },
		});
		const { bundle } = await attestBlob({ bytes: ARTIFACT }, statement, await deps(version));
		judge().verify(toSignedEntity(bundleFromJSON(bundle as never)), { subjectAlternativeName: EMAIL });
		const forged = structuredClone(bundle);
		if (forged.dsseEnvelope) forged.dsseEnvelope.payload = Buffer.from('{"subject":[]}').toString('base64');
		expect(() => judge().verify(toSignedEntity(bundleFromJSON(forged as never)))).toThrow();
	});
});

describe('the command', () => {
	const bundle = join(folder, 'artifact.sigstore.json');
	const identity = ['--certificate-identity', EMAIL, '--certificate-oidc-issuer', instance.oidcIssuer];
	const sign = async (data = instance.data, at = instance) =>
		chancery('sign-blob', '--data', data, '--identity-token', await at.token(EMAIL), '--bundle', bundle, file);

	it('signs and verifies a file, by path and by digest', async () => {
		await sign();
		const printed = JSON.parse(
			await chancery('verify-blob', '--data', instance.data, '--bundle', bundle, ...identity, '--json', file),
		);
		expect(printed).toMatchObject({ verified: true, identity: { subject: EMAIL, issuer: instance.oidcIssuer } });
		const digest = `sha256:${createHash('sha256').update(ARTIFACT).digest('hex')}`;
		await chancery('verify-blob', '--data', instance.data, '--bundle', bundle, ...identity, digest);
	});

	it('initializes from the TUF repository with a pinned root and verifies with that trust', async () => {
		await sign();
		const env = { TUF_ROOT: mkdtempSync(join(tmpdir(), 'chancery-tuf-')) };
		const withRoot = ['--mirror', `${instance.urls.tuf}/`, '--root', instance.root.path, '--root-checksum'];
		Object.assign(process.env, env);
		try {
			await expect(chancery('initialize', ...withRoot, '0'.repeat(64))).rejects.toMatchObject({ code: 2 });
			await chancery('initialize', ...withRoot, instance.root.sha256);
			await chancery('verify-blob', '--bundle', bundle, ...identity, file);
		} finally {
			delete process.env.TUF_ROOT;
		}
	});

	it('attests and verifies a statement, and does not take one for a signature', async () => {
		const predicate = join(folder, 'predicate.json');
		writeFileSync(predicate, '{"passed":true}');
		const out = join(folder, 'statement.json');
		const type = 'https://example.com/test/v1';
		const token = await instance.token(EMAIL);
		const about = ['--data', instance.data, '--bundle', out];
		await chancery('attest-blob', ...about, '--identity-token', token, '--predicate', predicate, '--type', type, file);
		await chancery('verify-blob-attestation', ...about, ...identity, '--type', type, file);
		await expect(
			chancery('verify-blob-attestation', ...about, ...identity, '--type', 'https://example.com/other', file),
		).rejects.toMatchObject({ code: 1 });
		await expect(chancery('verify-blob', ...about, ...identity, file)).rejects.toMatchObject({ code: 1 });
	});

	it.each([
		[
			'another identity',
			['--certificate-identity', 'bob@example.com', '--certificate-oidc-issuer', instance.oidcIssuer],
			/bob@example\.com/,
		],
		[
			'another issuer',
			['--certificate-identity', EMAIL, '--certificate-oidc-issuer', foreign.oidcIssuer],
			/somebody else/,
		],
		[
			'a pattern that matches only a part',
			['--certificate-identity-regexp', 'alice', '--certificate-oidc-issuer-regexp', '.*'],
			/somebody else/,
		],
	])('refuses %s with exit code 1 and says what was found', async (_what, args, words) => {
		await sign();
		await expect(
			chancery('verify-blob', '--data', instance.data, '--bundle', bundle, ...args, file),
		).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringMatching(words),
		});
	});

	it('refuses a bundle of another instance', async () => {
		await sign(foreign.data, foreign);
		const ofForeign = ['--certificate-identity', EMAIL, '--certificate-oidc-issuer', foreign.oidcIssuer];
		await expect(
			chancery('verify-blob', '--data', instance.data, '--bundle', bundle, ...ofForeign, file),
		).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/not in the trusted root/) });
	});

	it('refuses any changed byte of the artifact, and any policy that is left out', async () => {
		await sign();
		const changed = join(folder, 'changed.txt');
		writeFileSync(changed, Buffer.concat([ARTIFACT, Buffer.from('!')]));
		await expect(
			chancery('verify-blob', '--data', instance.data, '--bundle', bundle, ...identity, changed),
		).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/another artifact/) });
		await expect(chancery('verify-blob', '--data', instance.data, '--bundle', bundle, file)).rejects.toMatchObject({
			code: 2,
		});
	});

	it.each([
		['a token that is no token', ['sign-blob', '--identity-token', 'a.b.c'], 1],
		['a missing bundle option', ['verify-blob'], 2],
		['an unknown command', ['frobnicate'], 2],
	])('answers %s with one line and exit code', async (_what, args, code) => {
		const rest = args[0] === 'sign-blob' ? ['--data', instance.data, '--bundle', bundle] : [];
		await expect(chancery(...args, ...rest, file)).rejects.toMatchObject({ code });
	});

	it('writes bundles of media type 0.3 with one entry and one timestamp', async () => {
		await sign();
		const json = JSON.parse(readFileSync(bundle, 'utf8'));
		expect(json.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
		expect(json.verificationMaterial.tlogEntries).toHaveLength(1);
	});
});
