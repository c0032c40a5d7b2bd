/** npm's own `sigstore` 5, unmodified: signs, attests and verifies against an instance through its TUF repository. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from '@chancery/client/node-crypto';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { verifyBundle } from '@chancery/verify/verify-bundle';
import { attest, sign, verify } from 'sigstore';
import { describe, expect, it } from 'vitest';
import { openInstance, type RunningInstance } from './running-instance.ts';

const instance = openInstance('instance');
const foreign = openInstance('foreignInstance');
const EMAIL = 'npm@example.com';
const ARTIFACT = Buffer.from('what npm would publish\n');
const STATEMENT = Buffer.from(
	JSON.stringify({
		_type: 'https://in-toto.io/Statement/v1',
		subject: [{ name: 'pkg:npm/demo@1.0.0', digest: { sha256: 'a'.repeat(64) } }],
		predicateType: 'https://slsa.dev/provenance/v1',
		predicate: {},
	}),
);

const signing = async (at: RunningInstance, email: string) => ({
	fulcioURL: at.urls.ca,
	rekorURL: at.urls.log,
	tsaServerURL: at.urls.tsa,
	identityToken: await at.token(email),
});

const trusting = (at: RunningInstance, email = EMAIL) => ({
	tufMirrorURL: at.urls.tuf,
	tufRootPath: at.root.path,
	tufCachePath: mkdtempSync(join(tmpdir(), 'chancery-npm-')),
	certificateIssuer: at.oidcIssuer,
	certificateIdentityEmail: email,
});

describe('a signature by npm’s sigstore', () => {
	it('is verified by itself through our TUF repository, and by us', async () => {
		const bundle = await sign(ARTIFACT, await signing(instance, EMAIL));
		await verify(bundle, ARTIFACT, trusting(instance));
		const evidence = await verifyBundle({
			bundle: JSON.parse(JSON.stringify(bundle)),
			trust: openTrustedRoot(instance.trustedRoot),
			artifact: { bytes: ARTIFACT },
			policy: {
				kind: 'identities',
				anyOf: [{ subject: { exactly: EMAIL }, issuer: { exactly: instance.oidcIssuer } }],
			},
			crypto: nodeCrypto,
		});
		expect(evidence.times.map(({ source }) => source).sort()).toEqual(['log', 'timestamp-authority']);
	});

	it('is made and verified as well with base URLs that end in a slash', async () => {
		const { fulcioURL, rekorURL, tsaServerURL, identityToken } = await signing(instance, EMAIL);
		const slashed = {
			fulcioURL: `${fulcioURL}/`,
			rekorURL: `${rekorURL}/`,
			tsaServerURL: `${tsaServerURL}/`,
			identityToken,
		};
		const trust = trusting(instance);
		await verify(await sign(ARTIFACT, slashed), ARTIFACT, { ...trust, tufMirrorURL: `${trust.tufMirrorURL}/` });
	});

	it('is refused for a changed artifact, another identity and another issuer', async () => {
		const bundle = await sign(ARTIFACT, await signing(instance, EMAIL));
		await expect(verify(bundle, Buffer.from('something else'), trusting(instance))).rejects.toThrow();
		await expect(verify(bundle, ARTIFACT, trusting(instance, 'mallory@example.com'))).rejects.toThrow();
		await expect(
			verify(bundle, ARTIFACT, { ...trusting(instance), certificateIssuer: foreign.oidcIssuer }),
		).rejects.toThrow();
	});

	it('made at another instance is refused by npm’s sigstore and by us', async () => {
		const bundle = await sign(ARTIFACT, await signing(foreign, EMAIL));
		await verify(bundle, ARTIFACT, trusting(foreign));
		await expect(
			verify(bundle, ARTIFACT, { ...trusting(instance), certificateIssuer: foreign.oidcIssuer }),
		).rejects.toThrow();
		await expect(
			verifyBundle({
				bundle: JSON.parse(JSON.stringify(bundle)),
				trust: openTrustedRoot(instance.trustedRoot),
				artifact: { bytes: ARTIFACT },
				policy: {
					kind: 'identities',
					anyOf: [{ subject: { exactly: EMAIL }, issuer: { exactly: foreign.oidcIssuer } }],
				},
				crypto: nodeCrypto,
			}),
		).rejects.toMatchObject({ name: 'VerifyError', code: 'log-unknown' });
	});

	it('submitted twice gets the same entry back instead of a conflict', async () => {
		const bundle = await sign(ARTIFACT, await signing(instance, EMAIL));
		const entry = bundle.verificationMaterial.tlogEntries[0];
		const spec = JSON.parse(Buffer.from(entry?.canonicalizedBody ?? '', 'base64').toString());
		const again = await fetch(`${instance.urls.log}/api/v1/log/entries`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(spec),
		});
		expect(again.status).toBe(201);
		expect(again.headers.get('x-chancery-duplicate')).toBe('true');
		const [stored] = Object.values((await again.json()) as Record<string, { logIndex: number }>);
		expect(String(stored?.logIndex)).toBe(entry?.logIndex);
	});
});

describe('an attestation by npm’s sigstore', () => {
	it('is verified through our TUF repository', async () => {
		const bundle = await attest(STATEMENT, 'application/vnd.in-toto+json', await signing(instance, EMAIL));
		await verify(bundle, trusting(instance));
	});

	it('is refused when its payload was changed', async () => {
		const bundle = await attest(STATEMENT, 'application/vnd.in-toto+json', await signing(instance, EMAIL));
		const forged = structuredClone(bundle);
		if (forged.dsseEnvelope)
			forged.dsseEnvelope.payload = Buffer.from(STATEMENT.toString().replace('demo', 'evil')).toString('base64');
		await expect(verify(forged, trusting(instance))).rejects.toThrow();
	});
});

describe('a workflow token shaped like GitHub Actions', () => {
	it('gets a certificate that names the workflow', async () => {
		const workflow = 'acme/app/.github/workflows/release.yml@refs/heads/main';
		const bundle = await sign(ARTIFACT, {
			...(await signing(instance, EMAIL)),
			identityToken: await instance.token('bot@example.com', { job_workflow_ref: workflow }),
		});
		const options = {
			...trusting(instance),
			certificateIdentityURI: `https://github.com/${workflow}`,
			certificateIssuer: instance.oidcIssuer.replace(/\/auth$/, '/ci'),
		};
		const { certificateIdentityEmail: _none, ...byUri } = options;
		await verify(bundle, ARTIFACT, byUri);
	});
});
