import { toBase64 } from '@chancery/core/bytes';
import { basicConstraints } from '@chancery/testkit/certificate';
import { describe, expect, it } from 'vitest';
import { issueCertificate } from '../test/certificates.ts';
import { IssuingAuthority } from '../test/issuing-authority.ts';
import { withMember } from '../test/json-path.ts';
import { makeKey } from '../test/keys.ts';
import { expectRefusal } from '../test/refusals.ts';
import { openBundle } from './bundle-content.ts';

const authority = new IssuingAuthority();
const MATERIAL = 'verificationMaterial';
const ENTRY = [MATERIAL, 'tlogEntries', 0];
const open = async (bundle: unknown) => openBundle(bundle);
const raw = (der: Uint8Array) => ({ rawBytes: toBase64(der) });

describe('the media type', () => {
	it.each([
		['application/vnd.dev.sigstore.bundle+json;version=0.1', '0.1'],
		['application/vnd.dev.sigstore.bundle+json;version=0.2', '0.2'],
		['application/vnd.dev.sigstore.bundle+json;version=0.3', '0.3'],
		['application/vnd.dev.sigstore.bundle.v0.3+json', '0.3'],
	])('%s is version %s', async (mediaType, version) => {
		const bundle = await authority.sign(version === '0.3' ? {} : { version: '0.2' });
		expect(openBundle({ ...bundle, mediaType }).version).toBe(version);
	});

	it.each([
		'application/vnd.dev.sigstore.bundle.v0.4+json',
		'application/vnd.dev.sigstore.bundle.v99.9+json',
		'application/vnd.dev.sigstore.bundle+json;version=0.4',
		'application/vnd.dev.sigstore.bundle+json',
		'application/vnd.dev.sigstore.bundle.v0.3+json ',
		'application/json',
		'',
	])('%j is refused', async (mediaType) => {
		await expectRefusal(open({ ...(await authority.sign()), mediaType }), 'bundle-malformed', /media type/);
	});
});

describe('the signer', () => {
	it('is a certificate in version 0.3 and the first of a chain before', async () => {
		const now = await authority.sign();
		const before = await authority.sign({ version: '0.2' });
		await expectRefusal(open({ ...now, mediaType: before.mediaType }), 'bundle-malformed', /chain, not a certificate/);
		await expectRefusal(open({ ...before, mediaType: now.mediaType }), 'bundle-malformed', /certificate, not a chain/);
	});

	it.each([
		['nobody', {}],
		['two', { certificate: raw(authority.issuing), publicKey: { hint: 'a' } }],
		['three', { certificate: raw(authority.tsa), publicKey: {}, x509CertificateChain: {} }],
	])('cannot be %s', async (_who, members) => {
		const { [MATERIAL]: material, ...bundle } = await authority.sign();
		const changed = { ...bundle, [MATERIAL]: { tlogEntries: material.tlogEntries, ...members } };
		await expectRefusal(open(changed), 'bundle-malformed', /exactly one of/);
	});

	it('cannot be an empty chain, or no certificate at all', async () => {
		const bundle = await authority.sign({ version: '0.2' });
		const chain = [MATERIAL, 'x509CertificateChain'];
		await expectRefusal(open(withMember(bundle, chain, { certificates: [] })), 'bundle-malformed', /empty/);
		await expectRefusal(open(withMember(bundle, chain, {})), 'bundle-malformed', /empty/);
		const noCertificate = [{ rawBytes: 'AAAA' }];
		await expectRefusal(open(withMember(bundle, chain, { certificates: noCertificate })), 'bundle-malformed', /DER/);
	});

	it('cannot be a CA', async () => {
		const bundle = withMember(await authority.sign(), [MATERIAL, 'certificate'], raw(authority.issuing));
		await expectRefusal(open(bundle), 'certificate-invalid', /is a CA/);
		const leaf = { ...authority.leafRecipe(makeKey().spki), extensions: [basicConstraints(false)] };
		const notCa = withMember(await authority.sign(), [MATERIAL, 'certificate'], raw(issueCertificate(leaf)));
		expect(openBundle(notCa).signer.kind).toBe('certificate');
	});

	it('does not bring a root along', async () => {
		const bundle = await authority.sign({ version: '0.2' });
		const certificates = bundle[MATERIAL].x509CertificateChain?.certificates ?? [];
		const path = [MATERIAL, 'x509CertificateChain', 'certificates'];
		expect(openBundle(withMember(bundle, path, [...certificates, raw(authority.issuing)])).signer.kind).toBe(
			'certificate',
		);
		const rooted = withMember(bundle, path, [...certificates, raw(authority.issuing), raw(authority.root)]);
		await expectRefusal(open(rooted), 'bundle-malformed', /root certificate/);
	});

	it('is not helped by CA certificates that the bundle brings along', async () => {
		const [key, root] = [makeKey(), makeKey()];
		const ca = issueCertificate(authority.caRecipe({ issuer: 'evil', signer: root, publicKey: key.spki }));
		const bundle = await authority.sign({ version: '0.2', leaf: (leaf) => ({ ...leaf, signer: key }) });
		const path = [MATERIAL, 'x509CertificateChain', 'certificates', 1];
		await expectRefusal(authority.verify(withMember(bundle, path, raw(ca))), 'certificate-untrusted');
	});
});

describe('what is signed', () => {
	it('is either a message or an envelope', async () => {
		const [message, envelope] = [await authority.sign(), await authority.sign({ payload: true })];
		const both = { ...message, dsseEnvelope: envelope.dsseEnvelope };
		await expectRefusal(open(both), 'bundle-malformed', /exactly one of/);
		const { messageSignature: _none, ...neither } = message;
		await expectRefusal(open(neither), 'bundle-malformed', /exactly one of/);
	});

	it('has exactly one signature', async () => {
		const bundle = await authority.sign({ payload: true });
		const [signature] = bundle.dsseEnvelope?.signatures ?? [];
		const path = ['dsseEnvelope', 'signatures'];
		await expectRefusal(open(withMember(bundle, path, [])), 'bundle-malformed', /exactly one signature/);
		await expectRefusal(open(withMember(bundle, path, [signature, signature])), 'bundle-malformed', /exactly one/);
	});
});

describe('a key id in the envelope', () => {
	it('must agree with the key hint where both are given', async () => {
		const path = ['dsseEnvelope', 'signatures', 0, 'keyid'];
		const bundle = await authority.sign({ payload: true, hint: 'release' });
		for (const keyid of ['release', '', undefined])
			expect(openBundle(withMember(bundle, path, keyid)).signer.kind).toBe('publicKey');
		await expectRefusal(open(withMember(bundle, path, 'other')), 'bundle-malformed', /different keys/);
		expect(openBundle(withMember(await authority.sign({ payload: true }), path, 'any')).signer.kind).toBe(
			'certificate',
		);
	});
});

describe('proofs by version', () => {
	const promise = [...ENTRY, 'inclusionPromise'];
	const proof = [...ENTRY, 'inclusionProof'];
	const checkpoint = [...proof, 'checkpoint'];

	it('0.1 needs a promise; a proof and its checkpoint may be missing', async () => {
		const bundle = await authority.sign({ version: '0.1' });
		await expectRefusal(authority.verify(withMember(bundle, promise, undefined)), 'inclusion-promise-invalid');
		await authority.verify(withMember(bundle, proof, undefined));
		await authority.verify(withMember(bundle, checkpoint, undefined));
	});

	it('0.1 with a proof: it must be right all the same', async () => {
		const bundle = withMember(await authority.sign({ version: '0.1' }), checkpoint, undefined);
		const wrong = withMember(bundle, [...proof, 'hashes'], []);
		await expectRefusal(authority.verify(wrong), 'inclusion-proof-invalid');
	});

	it.each(['0.2', '0.3'] as const)(
		'%s needs proof and checkpoint, and a promise only for its time',
		async (version) => {
			const bundle = await authority.sign({ version, kind: 'hashedrekord/0.0.1', timestamp: (same) => same });
			await expectRefusal(authority.verify(withMember(bundle, proof, undefined)), 'inclusion-proof-invalid');
			await expectRefusal(authority.verify(withMember(bundle, checkpoint, undefined)), 'checkpoint-invalid');
			const { times, logEntries } = await authority.verify(withMember(bundle, promise, undefined));
			expect(times.map(({ source }) => source)).toEqual(['timestamp-authority']);
			// Nobody vouched for the global index.
			expect(logEntries).toEqual([{ logUrl: 'https://rekor.test', logIndex: 5 }]);
		},
	);

	it('0.1 does not make a v2 entry believable without its checkpoint', async () => {
		// A proof over any tree is easily made; only the checkpoint is signed. The promise is not one that a v2 log makes.
		const bundle = await authority.sign({ version: '0.1', kind: 'hashedrekord/0.0.2', integratedTime: 1772366400 });
		await authority.verify(bundle);
		await expectRefusal(authority.verify(withMember(bundle, checkpoint, undefined)), 'checkpoint-invalid');
		await expectRefusal(authority.verify(withMember(bundle, proof, undefined)), 'inclusion-proof-invalid');
		const forged = await authority.sign({
			version: '0.1',
			kind: 'hashedrekord/0.0.2',
			integratedTime: 1772366400,
			record: { forger: makeKey() },
		});
		await expectRefusal(authority.verify(withMember(forged, checkpoint, undefined)), 'checkpoint-invalid');
	});
});
