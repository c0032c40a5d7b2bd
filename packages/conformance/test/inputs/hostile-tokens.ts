/** Identity tokens that must not be believed, each wrong in one thing. */
import { constants, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { b64url, claimsFor, type Subject, signToken } from './subject.ts';

const HOUR = 3600;

/** By what is wrong. A fresh token at each call. */
export function hostileTokens(subject: Subject, foreign: Subject, email: string): Record<string, () => string> {
	const ours = subject.issuerKey;
	const now = () => Math.floor(Date.now() / 1000);
	const claims = (changed: object = {}) => claimsFor(subject, email, changed);
	const good = () => signToken(claims(), ours);
	const stranger = { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, kid: ours.kid };
	const publicKey = createPublicKey(ours.key);
	const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
	const der = publicKey.export({ type: 'spki', format: 'der' });
	const with_ = (change: (parts: string[]) => string[]) => () => change(good().split('.')).join('.');
	const hmac = (secret: string | Buffer, alg = 'HS256') => {
		const signed = `${b64url({ alg, typ: 'JWT', kid: ours.kid })}.${b64url(claims())}`;
		return `${signed}.${b64url(createHmac('sha256', secret).update(signed).digest())}`;
	};
	const strangersJwk = () => createPublicKey(stranger.key).export({ format: 'jwk' });
	return {
		'expired an hour ago': () => signToken(claims({ exp: now() - HOUR, iat: now() - 2 * HOUR }), ours),
		'expired in 1970': () => signToken(claims({ exp: 0 }), ours),
		'valid from tomorrow': () => signToken(claims({ nbf: now() + 24 * HOUR, exp: now() + 25 * HOUR }), ours),
		'issued tomorrow': () => signToken(claims({ iat: now() + 24 * HOUR, exp: now() + 25 * HOUR }), ours),
		'without an end': () => signToken(claims({ exp: undefined }), ours),
		'with an end in words': () => signToken(claims({ exp: 'tomorrow' }), ours),
		'signed by another key under our key id': () => signToken(claims(), stranger),
		'signed by a key that its header brings': () => signToken(claims(), stranger, { jwk: strangersJwk() }),
		'signed by a key that its header points to': () =>
			signToken(claims(), stranger, { jku: `${foreign.urls.identity}/auth/keys` }),
		'with an extension that must be understood': () => signToken(claims(), ours, { crit: ['b64'], b64: false }),
		'with a key id that nobody has': () => signToken(claims(), stranger, { kid: 'surprise' }),
		'with a key id that is a path': () => signToken(claims(), stranger, { kid: '../../../dev/null' }),
		'with a key id that is a number': () => signToken(claims(), ours, { kid: 7 }),
		'with a key id that is null': () => signToken(claims(), ours, { kid: null }),
		'with a key id that is a list': () => signToken(claims(), ours, { kid: [ours.kid] }),
		'with an alg that is a list': () => signToken(claims(), ours, { alg: ['RS256'] }),
		'of an issuer that is a number': () => signToken(claims({ iss: 7 }), ours),
		'of an issuer that is an object': () => signToken(claims({ iss: { url: subject.oidcIssuer } }), ours),
		'with changed claims': with_(([head = '', , signature = '']) => [
			head,
			b64url(claims({ email: 'mallory@example.com' })),
			signature,
		]),
		'with a cut signature': with_(([head = '', body = '', signature = '']) => [head, body, signature.slice(0, -8)]),
		'with an empty signature': with_(([head = '', body = '']) => [head, body, '']),
		'with alg none': () => `${b64url({ alg: 'none' })}.${b64url(claims())}.`,
		'with alg None and a signature': with_(([, body = '', signature = '']) => [
			b64url({ alg: 'None', kid: ours.kid }),
			body,
			signature,
		]),
		'with no alg': with_(([, body = '', signature = '']) => [b64url({ kid: ours.kid }), body, signature]),
		'with HS256 keyed by the public key in PEM': () => hmac(pem),
		'with HS256 keyed by the public key in PEM without its line end': () => hmac(pem.trimEnd()),
		'with HS256 keyed by the public key in DER': () => hmac(der),
		'with HS256 keyed by nothing': () => hmac(''),
		'with HS256 called RS256': () => hmac(pem, 'RS256'),
		'with ES256 over our RSA key id': with_(([, body = '', signature = '']) => [
			b64url({ alg: 'ES256', kid: ours.kid }),
			body,
			signature,
		]),
		'with RS256 called PS256': with_(([, body = '', signature = '']) => [
			b64url({ alg: 'PS256', kid: ours.kid }),
			body,
			signature,
		]),
		'with PSS called RS256': () => {
			const signed = `${b64url({ alg: 'RS256', kid: ours.kid })}.${b64url(claims())}`;
			const signature = sign('sha256', Buffer.from(signed), {
				key: ours.key,
				padding: constants.RSA_PKCS1_PSS_PADDING,
			});
			return `${signed}.${b64url(signature)}`;
		},
		'of an unknown issuer': () => signToken(claims({ iss: 'https://surprise.example' }), ours),
		'of an issuer with one slash more': () => signToken(claims({ iss: `${subject.oidcIssuer}/` }), ours),
		'of no issuer': () => signToken(claims({ iss: undefined }), ours),
		'of two issuers': () => signToken(claims({ iss: [subject.oidcIssuer, subject.oidcIssuer] }), ours),
		'of another instance': () => signToken(claimsFor(foreign, email), foreign.issuerKey),
		'in our name by another instance': () => signToken(claims(), foreign.issuerKey),
		'for another audience': () => signToken(claims({ aud: 'surprise' }), ours),
		'for a longer audience': () => signToken(claims({ aud: 'sigstore.example' }), ours),
		'for no audience': () => signToken(claims({ aud: undefined }), ours),
		'for an empty list of audiences': () => signToken(claims({ aud: [] }), ours),
		'for an audience that is an object': () => signToken(claims({ aud: { sigstore: true } }), ours),
		'without an address': () => signToken(claims({ email: undefined }), ours),
		'with an address that is not verified': () => signToken(claims({ email_verified: false }), ours),
		'with an address of two lines': () => signToken(claims({ email: 'a@example.com\nb@example.com' }), ours),
		'with an address without a dot in its host': () => signToken(claims({ email: 'matrix@localhost' }), ours),
		'with an address at a number': () => signToken(claims({ email: 'matrix@192.0.2.1' }), ours),
		'with a NUL in the address': () => signToken(claims({ email: 'a@example.com\0.example.org' }), ours),
		'with an address beyond ASCII': () => signToken(claims({ email: 'é@example.com' }), ours),
		'without a subject': () => signToken(claims({ sub: undefined }), ours),
		'with claims that are a list': () => signToken([claims()], ours),
		'nested 1,000 deep': () =>
			signToken({ ...claims(), deep: JSON.parse('['.repeat(1_000) + ']'.repeat(1_000)) }, ours),
		'of two parts': with_((parts) => parts.slice(0, 2)),
		'of four parts': with_((parts) => [...parts, 'AA']),
		'of 10,000 dots': () => '.'.repeat(10_000),
		'of dots only': () => '..',
		'with base64 padding': with_(([head = '', body = '', signature = '']) => [head, `${body}==`, signature]),
		'with a header that is no JSON': with_(([, body = '', signature = '']) => [b64url('surprise'), body, signature]),
		'with claims that are no JSON': with_(([head = '', , signature = '']) => [head, b64url('surprise'), signature]),
		'of 50,000 characters': () => signToken(claims({ filler: 'a'.repeat(40_000) }), ours),
	};
}

/** Fits into a header: Node's server takes 16 KiB of them, and the refusal of more is the listener's. */
export const MAX_HEADER_TOKEN_CHARS = 15_000;
