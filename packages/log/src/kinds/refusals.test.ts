import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { DomainError } from '@chancery/chassis/domain-error';
import { preAuthEncode } from '@chancery/core/dsse';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { createEntryRequest } from '@chancery/wire/rekor-v2';
import { describe, expect, it } from 'vitest';
import { SEED_ENTRY, SEED_TEXT } from '../domain/seed-entry.ts';
import { admitV1, admitV2 } from './enabled-kinds.ts';

const { check } = createSignatureChecks({ maxQueuedMs: 60_000 });
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string;
const der = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed25519 = generateKeyPairSync('ed25519');
const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 });
const rsa2048 = generateKeyPairSync('rsa', { modulusLength: 2048 });

const artifact = Buffer.from('an artifact');
const digest = sha256(artifact);
const signature = sign('sha256', artifact, p256.privateKey);

function hashedrekord(changes: Record<string, unknown> = {}) {
	const parts = {
		algorithm: 'sha256',
		value: digest.toString('hex'),
		content: base64(signature),
		key: base64(pem(p256.publicKey)),
		...changes,
	};
	return {
		kind: 'hashedrekord',
		apiVersion: '0.0.1',
		spec: {
			data: { hash: { algorithm: parts.algorithm, value: parts.value } },
			signature: { content: parts.content, publicKey: { content: parts.key } },
		},
	};
}

const payloadType = 'application/vnd.in-toto+json';
const payload = Buffer.from('{"subject":[]}');
const sig = (key: KeyObject, hash: string | null = 'sha256') =>
	base64(sign(hash, preAuthEncode(payloadType, payload), key));
const envelope = (signatures: { sig: string }[]) => ({ payload: base64(payload), payloadType, signatures });

function dsse(signatures: { sig: string }[], keys: KeyObject[], text?: string) {
	const proposedContent = {
		envelope: text ?? JSON.stringify(envelope(signatures)),
		verifiers: keys.map((key) => base64(pem(key))),
	};
	return { kind: 'dsse', apiVersion: '0.0.1', spec: { proposedContent } };
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; detail: string }> {
	const error = await work.then(
		() => undefined,
		(error: unknown) => error,
	);
	if (!(error instanceof DomainError)) throw new Error(`expected a refusal, got ${error}`);
	return error;
}

describe('v1 proposals that are refused', () => {
	const valid = { sig: sig(p256.privateKey) };
	it.each([
		[
			'a hash in upper case',
			hashedrekord({ value: digest.toString('hex').toUpperCase() }),
			'invalid-entry',
			/lower-case/,
		],
		['a hash of another length', hashedrekord({ algorithm: 'sha512' }), 'invalid-entry', /128 lower-case hex digits/],
		['an unknown hash', hashedrekord({ algorithm: 'md5' }), 'invalid-entry', /algorithm/],
		['a signature that is no base64', hashedrekord({ content: 'a*b' }), 'invalid-entry', /base64/],
		[
			'a signature over something else',
			hashedrekord({ value: sha256('x').toString('hex') }),
			'signature-mismatch',
			/verify/,
		],
		['another key', hashedrekord({ key: base64(pem(other.publicKey)) }), 'signature-mismatch', /verify/],
		['a key that is no PEM', hashedrekord({ key: base64('hello') }), 'invalid-entry', /public key/],
		[
			'a private key',
			hashedrekord({ key: base64(p256.privateKey.export({ type: 'pkcs8', format: 'pem' })) }),
			'invalid-entry',
			/PRIVATE KEY/,
		],
		[
			'two keys',
			hashedrekord({ key: base64(pem(p256.publicKey) + pem(other.publicKey)) }),
			'invalid-entry',
			/more than one/,
		],
		['a P-384 key with SHA-256', hashedrekord({ key: base64(pem(p384.publicKey)) }), 'invalid-entry', /P384_SHA_384/],
		['a short RSA key', hashedrekord({ key: base64(pem(rsa1024.publicKey)) }), 'algorithm-not-allowed', /1024/],
		['a kind of upstream', { ...hashedrekord(), kind: 'rekord' }, 'kind-not-enabled', /'rekord'.*not enabled/],
		['an unknown kind', { ...hashedrekord(), kind: 'letter' }, 'kind-not-enabled', /unknown entry kind 'letter'/],
		['a version we lack', { ...hashedrekord(), apiVersion: '0.0.2' }, 'kind-not-enabled', /0\.0\.2/],
		['no signature at all', dsse([], [p256.publicKey]), 'invalid-entry', /no signature/],
		['an envelope that is no JSON', dsse([valid], [p256.publicKey], '{'), 'invalid-entry', /not JSON/],
		[
			'an envelope of a million empty objects',
			dsse([valid], [p256.publicKey], `[${'{},'.repeat(1_000_000)}0]`),
			'invalid-entry',
			/more than 4096 braces/,
		],
		['half a character in the envelope', dsse([valid], [p256.publicKey], '"\ud800"'), 'invalid-entry', /Unicode/],
		['the wrong verifier', dsse([valid], [other.publicKey]), 'signature-mismatch', /matches none/],
		[
			'a verifier without use before the right one',
			dsse([valid], [other.publicKey, p256.publicKey]),
			'signature-mismatch',
			/matches none/,
		],
		[
			'a signature without verifier',
			dsse([valid, { sig: sig(other.privateKey) }], [p256.publicKey]),
			'signature-mismatch',
			/all signatures/,
		],
		['one signature twice', dsse([valid, valid], [p256.publicKey]), 'invalid-entry', /same/],
	])('%s', async (_, proposal, code, words) => {
		const error = await refusal(admitV1(proposal, check));
		expect(error).toMatchObject({ code, detail: expect.stringMatching(words) });
		expect(error.detail).toMatch(/^error processing entry: /);
	});
});

describe('v1 proposals that are accepted', () => {
	it.each([
		['a key with DOS line ends', hashedrekord({ key: base64(`${pem(p256.publicKey).replace(/\n/g, '\r\n')}\r\n`) })],
		[
			'an envelope with more than one signature',
			dsse([{ sig: sig(p256.privateKey) }, { sig: sig(other.privateKey) }], [other.publicKey, p256.publicKey]),
		],
		['a plain Ed25519 signature on an envelope', dsse([{ sig: sig(ed25519.privateKey, null) }], [ed25519.publicKey])],
		['SHA-256 by a P-384 key on an envelope', dsse([{ sig: sig(p384.privateKey) }], [p384.publicKey])],
		[
			'an RSA signature',
			hashedrekord({
				content: base64(sign('sha256', artifact, rsa2048.privateKey)),
				key: base64(pem(rsa2048.publicKey)),
			}),
		],
	])('%s', async (_, proposal) => {
		const { leaf } = await admitV1(proposal, check);
		const { spec } = JSON.parse(Buffer.from(leaf).toString());
		const stored = spec.signature?.publicKey.content ?? spec.signatures[0].verifier;
		expect(Buffer.from(stored, 'base64').toString()).toMatch(
			/^-----BEGIN PUBLIC KEY-----\n[^\r]*\n-----END PUBLIC KEY-----\n$/,
		);
	});

	it('hold many signatures while the payload is short enough to be hashed for each of them, and one above that', async () => {
		const large = (bytes: number, keys: readonly (typeof p256)[]) => {
			const content = Buffer.alloc(bytes, 'x');
			const encoded = preAuthEncode(payloadType, content);
			const signatures = keys.map(({ privateKey }) => ({ sig: base64(sign('sha256', encoded, privateKey)) }));
			const text = JSON.stringify({ payload: base64(content), payloadType, signatures });
			const verifiers = keys.map(({ publicKey }) => publicKey);
			return admitV1(dsse([], verifiers, text), check);
		};
		const limit = 1024 * 1024;
		await expect(large(limit, [p256, other])).resolves.toMatchObject({ kind: 'dsse' });
		await expect(large(limit + 1, [p256])).resolves.toMatchObject({ kind: 'dsse' });
		expect(await refusal(large(limit + 1, [p256, other]))).toMatchObject({
			code: 'invalid-entry',
			detail: expect.stringMatching(/2 signatures over 1048577 bytes; above 1048576 bytes it may have one/),
		});
	});

	it('sorts the signatures of an envelope by their text', async () => {
		const signatures = [p256, other, rsa2048].map(({ privateKey }) => ({ sig: sig(privateKey) }));
		const keys = [rsa2048, other, p256].map(({ publicKey }) => publicKey);
		const { leaf } = await admitV1(dsse(signatures, keys), check);
		const stored = JSON.parse(Buffer.from(leaf).toString()).spec.signatures as { signature: string }[];
		expect(stored.map((entry) => entry.signature)).toEqual(signatures.map((entry) => entry.sig).sort());
	});

	it('the seed of every log is a valid entry and says what its text says', async () => {
		await expect(admitV1(SEED_ENTRY, check)).resolves.toMatchObject({ kind: 'hashedrekord' });
		expect(SEED_ENTRY.spec.data.hash.value).toBe(sha256(SEED_TEXT).toString('hex'));
	});
});

const verifier = (key: KeyObject, keyDetails: string | number) => ({
	publicKey: { rawBytes: base64(der(key)) },
	keyDetails,
});
const v2Request = (changes: { digest?: Uint8Array; verifier?: object; content?: Uint8Array } = {}) =>
	createEntryRequest.parse({
		hashedRekordRequestV002: {
			digest: base64(changes.digest ?? digest),
			signature: {
				content: base64(changes.content ?? signature),
				verifier: changes.verifier ?? verifier(p256.publicKey, 'PKIX_ECDSA_P256_SHA_256'),
			},
		},
	});
const v2Dsse = (signatures: { sig: string }[], verifiers: object[]) =>
	createEntryRequest.parse({ dsseRequestV002: { envelope: envelope(signatures), verifiers } });

describe('v2 requests', () => {
	const good = verifier(p256.publicKey, 5);
	const valid = { sig: sig(p256.privateKey) };
	it.each([
		['another digest', v2Request({ digest: sha256('x') }), 'signature-mismatch', /verify/],
		['a digest of another length', v2Request({ digest: digest.subarray(1) }), 'invalid-entry', /31 bytes/],
		[
			'key details that are not accepted',
			v2Request({ verifier: verifier(p256.publicKey, 'PKIX_ED25519') }),
			'algorithm-not-allowed',
			/PKIX_ED25519 is not accepted/,
		],
		[
			'an unknown number of key details',
			v2Request({ verifier: verifier(p256.publicKey, 99) }),
			'algorithm-not-allowed',
			/99/,
		],
		[
			'key details of another key',
			v2Request({ verifier: verifier(p384.publicKey, 5) }),
			'algorithm-not-allowed',
			/P-384/,
		],
		[
			'a key that is no key',
			v2Request({ verifier: { publicKey: { rawBytes: 'AAAA' }, keyDetails: 5 } }),
			'invalid-entry',
			/public key/,
		],
		[
			'a certificate that is none',
			v2Request({ verifier: { x509Certificate: { rawBytes: 'AAAA' }, keyDetails: 5 } }),
			'invalid-entry',
			/certificate/,
		],
	])('are refused for %s', async (_, request, code, words) => {
		const error = await refusal(admitV2(request, check));
		expect(error).toMatchObject({ code, detail: expect.stringMatching(words) });
		expect(error.detail).toMatch(/^invalid hashedrekord request: /);
	});

	it.each([
		['two signatures', v2Dsse([valid, { sig: sig(other.privateKey) }], [good]), 'invalid-entry', /found 2 and 1/],
		['two verifiers', v2Dsse([valid], [good, good]), 'invalid-entry', /found 1 and 2/],
		['another signer', v2Dsse([{ sig: sig(other.privateKey) }], [good]), 'signature-mismatch', /verify/],
	])('with an envelope are refused for %s', async (_, request, code, words) => {
		const error = await refusal(admitV2(request, check));
		expect(error).toMatchObject({ code, detail: expect.stringMatching(words) });
		expect(error.detail).toMatch(/^invalid dsse request: /);
	});

	it('with key details as a number are stored with their name', async () => {
		const { leaf } = await admitV2(v2Request({ verifier: good }), check);
		const { verifier: stored } = JSON.parse(Buffer.from(leaf).toString()).spec.hashedRekordV002.signature;
		expect(stored.keyDetails).toBe('PKIX_ECDSA_P256_SHA_256');
	});
});

describe('mangled proposals', () => {
	it('are refused with a DomainError or lead to the same leaf, whatever changes in them', async () => {
		const proposals = [hashedrekord(), dsse([{ sig: sig(p256.privateKey) }], [p256.publicKey])];
		const random = new SeededRandom(0x9e3779b9);
		for (const proposal of proposals) {
			const text = JSON.stringify(proposal.spec);
			for (let round = 0; round < 300; round++) {
				const at = random.below(text.length);
				const mangled =
					text.slice(0, at) + String.fromCharCode(32 + random.below(95)) + text.slice(at + random.below(3));
				let spec: unknown;
				try {
					spec = JSON.parse(mangled);
				} catch {
					continue;
				}
				const outcome = await admitV1({ ...proposal, spec: spec as Record<string, unknown> }, check).catch(
					(error) => error,
				);
				if (outcome instanceof Error) expect(outcome, mangled).toBeInstanceOf(DomainError);
			}
		}
	});
});
