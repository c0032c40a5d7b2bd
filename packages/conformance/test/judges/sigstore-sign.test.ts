/** `@sigstore/sign` configured by nothing but our signing configuration: the v2 log and the timestamp authority. */
import { createHash } from 'node:crypto';
import { nodeCrypto } from '@chancery/client/node-crypto';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { verifyBundle } from '@chancery/verify/verify-bundle';
import { type Bundle, bundleToJSON } from '@sigstore/bundle';
import { SigningConfig, TrustedRoot } from '@sigstore/protobuf-specs';
import { bundleBuilderFromSigningConfig } from '@sigstore/sign';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, expect, it } from 'vitest';
import { openInstance } from './running-instance.ts';

const instance = openInstance('instance');
const EMAIL = 'builder@example.com';
const ARTIFACT = Buffer.from('an artifact for the v2 log\n');
const STATEMENT = Buffer.from(
	JSON.stringify({
		_type: 'https://in-toto.io/Statement/v1',
		subject: [{ name: 'artifact', digest: { sha256: createHash('sha256').update(ARTIFACT).digest('hex') } }],
		predicateType: 'https://slsa.dev/provenance/v1',
		predicate: {},
	}),
);

async function build(
	bundleType: 'messageSignature' | 'dsseEnvelope',
	data: Buffer,
	signingConfig = instance.signingConfig,
): Promise<Bundle> {
	const token = await instance.token(EMAIL);
	const builder = bundleBuilderFromSigningConfig({
		signingConfig: SigningConfig.fromJSON(signingConfig),
		identityProvider: { getToken: async () => token },
		bundleType,
	});
	return builder.create({ data, ...(bundleType === 'dsseEnvelope' ? { type: 'application/vnd.in-toto+json' } : {}) });
}

const judge = () =>
	new Verifier(toTrustMaterial(TrustedRoot.fromJSON(instance.trustedRoot)), {
		ctlogThreshold: 1,
		tlogThreshold: 1,
		timestampThreshold: 1,
	});

const byUs = (bundle: Bundle, artifact: Buffer) =>
	verifyBundle({
		bundle: JSON.parse(JSON.stringify(bundleToJSON(bundle))),
		trust: openTrustedRoot(instance.trustedRoot),
		artifact: { bytes: artifact },
		policy: {
			kind: 'identities',
			anyOf: [{ subject: { exactly: EMAIL }, issuer: { exactly: instance.oidcIssuer } }],
		},
		crypto: nodeCrypto,
	});

describe('@sigstore/sign with our signing configuration', () => {
	it('signs an artifact through the v2 log, and @sigstore/verify and we accept it', async () => {
		const bundle = await build('messageSignature', ARTIFACT);
		expect(bundle.verificationMaterial.tlogEntries[0]?.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
		expect(bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps).toHaveLength(1);
		judge().verify(toSignedEntity(bundle, ARTIFACT), { subjectAlternativeName: EMAIL });
		const evidence = await byUs(bundle, ARTIFACT);
		expect(evidence.times[0].source).toBe('timestamp-authority');
	});

	it('signs as well when the URLs in it end in a slash', async () => {
		const slashed = JSON.parse(JSON.stringify(instance.signingConfig), (key, value) =>
			key === 'url' ? `${value}/` : value,
		);
		const bundle = await build('messageSignature', ARTIFACT, slashed);
		judge().verify(toSignedEntity(bundle, ARTIFACT), { subjectAlternativeName: EMAIL });
	});

	it('signs an envelope through the v2 log, logged as a hashedrekord, and both accept it', async () => {
		const bundle = await build('dsseEnvelope', STATEMENT);
		expect(bundle.verificationMaterial.tlogEntries[0]?.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
		judge().verify(toSignedEntity(bundle), { subjectAlternativeName: EMAIL });
		await byUs(bundle, ARTIFACT);
	});

	it('and both refuse a changed artifact and another identity', async () => {
		const bundle = await build('messageSignature', ARTIFACT);
		const other = Buffer.from('another artifact');
		expect(() => judge().verify(toSignedEntity(bundle, other), { subjectAlternativeName: EMAIL })).toThrow();
		expect(() =>
			judge().verify(toSignedEntity(bundle, ARTIFACT), { subjectAlternativeName: 'mallory@example.com' }),
		).toThrow();
		await expect(byUs(bundle, other)).rejects.toMatchObject({ code: 'artifact-mismatch' });
	});
});
