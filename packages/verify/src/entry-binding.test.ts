import { toBase64, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { encodePem } from '@chancery/core/pem';
import type { BundledLogEntry } from '@chancery/wire/bundle';
import type { SignedContent } from '@chancery/wire/entries/signed-content';
import { describe, expect, it } from 'vitest';
import { ARTIFACT, IN_TOTO, IssuingAuthority, sha2, statementAbout } from '../test/issuing-authority.ts';
import { pathsIn, withMember } from '../test/json-path.ts';
import { makeKey } from '../test/keys.ts';
import { KINDS, type Kind, logBody } from '../test/log-bodies.ts';
import { refusalOf } from '../test/refusals.ts';
import { checkEntryBinding } from './entry-binding.ts';

const authority = new IssuingAuthority();
const key = makeKey();
const certificate = authority.issueLeaf(key.spki);
const signature = Uint8Array.from({ length: 71 }, (_, i) => i);
const PAYLOAD = utf8(statementAbout(ARTIFACT));

const isEnvelopeKind = (kind: Kind) => kind.startsWith('dsse') || kind.startsWith('intoto');

function signedContent(isEnvelope: boolean, verifier: 'certificate' | 'publicKey' = 'certificate'): SignedContent {
	const envelope = { payload: PAYLOAD, payloadType: IN_TOTO, signatures: [{ sig: signature }] };
	return {
		subject: isEnvelope
			? { kind: 'envelope', hash: 'SHA2_256', envelope }
			: { kind: 'artifact', hash: 'SHA2_256', digest: sha2('SHA2_256', ARTIFACT) },
		signature,
		verifier: { kind: verifier, der: verifier === 'certificate' ? certificate : key.spki, spki: key.spki },
	};
}

function bodyOf(kind: Kind, isEnvelope: boolean, verifier: 'certificate' | 'publicKey' = 'certificate'): Uint8Array {
	return logBody(kind, {
		hash: 'sha256',
		signature,
		content: isEnvelope ? PAYLOAD : ARTIFACT,
		payloadType: IN_TOTO,
		isEnvelope,
		verifier: { kind: verifier, der: verifier === 'certificate' ? certificate : key.spki },
		keyDetails: 'PKIX_ECDSA_P256_SHA_256',
	});
}

function entryOf(kind: string, body: Uint8Array): BundledLogEntry {
	const [name = '', version = ''] = kind.split('/');
	return {
		logIndex: 1,
		logId: { keyId: new Uint8Array(32) },
		kindVersion: { kind: name, version },
		canonicalizedBody: body,
	};
}

const refusal = (entry: BundledLogEntry, content: SignedContent) =>
	refusalOf(Promise.resolve().then(() => checkEntryBinding(entry, content)));

const CASES = KINDS.flatMap((kind) => {
	const forms = kind === 'hashedrekord/0.0.2' ? [false, true] : [isEnvelopeKind(kind)];
	return forms.map((isEnvelope) => [kind, isEnvelope ? 'envelope' : 'artifact', isEnvelope] as const);
});

describe('the body of a log entry', () => {
	it.each(CASES)('%s for an %s is bound to it, by certificate and by key', (kind, _form, isEnvelope) => {
		for (const verifier of ['certificate', 'publicKey'] as const)
			checkEntryBinding(entryOf(kind, bodyOf(kind, isEnvelope, verifier)), signedContent(isEnvelope, verifier));
	});

	it.each(CASES)('%s for an %s is not that of another signature', async (kind, _form, isEnvelope) => {
		const entry = entryOf(kind, bodyOf(kind, isEnvelope));
		const content = signedContent(isEnvelope);
		const others: SignedContent[] = [
			{ ...content, signature: Uint8Array.from(signature, (byte) => byte ^ 1) },
			{ ...content, signature: signature.subarray(1) },
			{ ...content, verifier: { ...content.verifier, der: authority.tsa } },
			{ ...content, verifier: { kind: 'publicKey', der: key.spki, spki: key.spki } },
			signedContent(!isEnvelope),
			withOtherContent(content),
		];
		for (const other of others) expect((await refusal(entry, other)).code).toBe('log-entry-mismatch');
	});

	it.each(CASES)('%s for an %s is refused when any value in it is another', async (kind, _form, isEnvelope) => {
		const json: unknown = JSON.parse(Buffer.from(bodyOf(kind, isEnvelope)).toString());
		// The hashes over the whole envelope are the log's own: the payload's hash and the signature say as much.
		const ignored = /^spec\.(envelopeHash|content\.hash)(\.|$)/;
		for (const path of pathsIn(json)) {
			if (ignored.test(path.join('.'))) continue;
			for (const value of [undefined, null, 1, 'other', [], {}]) {
				const body = utf8(canonicalJson(withMember(json, path, value) ?? null));
				const error = await refusal(entryOf(kind, body), signedContent(isEnvelope));
				expect(error.code, path.join('.')).toBe('log-entry-mismatch');
			}
		}
	});

	it.each(KINDS)('%s is not read as another kind', async (kind) => {
		for (const claimed of KINDS.filter((other) => other !== kind)) {
			const isEnvelope = isEnvelopeKind(claimed);
			const error = await refusal(entryOf(claimed, bodyOf(kind, isEnvelopeKind(kind))), signedContent(isEnvelope));
			expect(error.code).toBe('log-entry-mismatch');
		}
	});

	it.each(['rekord/0.0.1', 'hashedrekord/0.0.3', 'dsse/0.0.3', 'intoto/0.0.1', '__proto__/0', 'constructor/'])(
		'%s is not supported',
		async (kind) => {
			const [name, apiVersion] = kind.split('/');
			const body = utf8(canonicalJson({ apiVersion, kind: name, spec: {} }));
			expect((await refusal(entryOf(kind, body), signedContent(false))).message).toContain('not supported');
		},
	);

	it.each(['', '{', '[]', 'null', '{"kind":1}', '\u0000', '{"kind":"dsse","apiVersion":"0.0.1"}'])(
		'%j is malformed',
		async (text) => {
			const error = await refusal(entryOf('dsse/0.0.1', utf8(text)), signedContent(true));
			expect(error.code).toBe('log-entry-mismatch');
		},
	);

	it('that is no text is malformed', async () => {
		const error = await refusal(entryOf('dsse/0.0.1', Uint8Array.of(0xff, 0xfe)), signedContent(true));
		expect(error.message).toContain('malformed');
	});
});

describe('a v2 body', () => {
	it('is compared byte for byte, so that nothing else can stand in it', async () => {
		const body = Buffer.from(bodyOf('hashedrekord/0.0.2', false)).toString();
		for (const text of [` ${body}`, body.replace('{', '{"a":1,'), body.replace('"kind"', '"kind":"x","kind"')]) {
			const error = await refusal(entryOf('hashedrekord/0.0.2', utf8(text)), signedContent(false));
			expect(error.code).toBe('log-entry-mismatch');
		}
	});

	it('names Ed25519 over a digest in its prehash form', async () => {
		const edwards = makeKey('ed25519');
		const verifier = { kind: 'publicKey', der: edwards.spki } as const;
		const content = { ...signedContent(false), verifier: { ...verifier, spki: edwards.spki } };
		const logged = {
			signature,
			content: ARTIFACT,
			payloadType: '',
			isEnvelope: false,
			hash: 'sha256',
			verifier,
		} as const;
		const body = (keyDetails: string) => logBody('hashedrekord/0.0.2', { ...logged, keyDetails });
		checkEntryBinding(entryOf('hashedrekord/0.0.2', body('PKIX_ED25519_PH')), content);
		const error = await refusal(entryOf('hashedrekord/0.0.2', body('PKIX_ED25519')), content);
		expect(error.code).toBe('log-entry-mismatch');
	});
});

describe('the key in a v1 body', () => {
	const withKey = (pem: string) => {
		const json: unknown = JSON.parse(Buffer.from(bodyOf('hashedrekord/0.0.1', false)).toString());
		return utf8(canonicalJson(withMember(json, ['spec', 'signature', 'publicKey', 'content'], toBase64(utf8(pem)))));
	};
	const pem = encodePem('CERTIFICATE', certificate);

	it('may be followed by its chain, but not preceded by another', async () => {
		const other = encodePem('CERTIFICATE', authority.issuing);
		checkEntryBinding(entryOf('hashedrekord/0.0.1', withKey(pem + other)), signedContent(false));
		const error = await refusal(entryOf('hashedrekord/0.0.1', withKey(other + pem)), signedContent(false));
		expect(error.message).toContain('another key or certificate');
	});

	it.each(['', 'x', pem.replaceAll('CERTIFICATE', 'PUBLIC KEY'), pem.slice(0, -5), `${pem}-----BEGIN`])(
		'%# must be PEM of the right kind',
		async (text) => {
			const error = await refusal(entryOf('hashedrekord/0.0.1', withKey(text)), signedContent(false));
			expect(error.code).toBe('log-entry-mismatch');
		},
	);

	it('with the digest of SHA-512 is not that of SHA-256', async () => {
		const content = signedContent(false);
		const subject = { kind: 'artifact', hash: 'SHA2_512', digest: sha2('SHA2_512', ARTIFACT) } as const;
		const entry = entryOf('hashedrekord/0.0.1', bodyOf('hashedrekord/0.0.1', false));
		expect((await refusal(entry, { ...content, subject })).expected).toBe('sha512');
	});
});

function withOtherContent(content: SignedContent): SignedContent {
	const { subject } = content;
	if (subject.kind === 'artifact') return { ...content, subject: { ...subject, digest: new Uint8Array(32) } };
	const envelope = { ...subject.envelope, payload: utf8('other') };
	return { ...content, subject: { ...subject, envelope } };
}
