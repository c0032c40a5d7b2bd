/** What comes beside a foreign token: the proof of the key that it is bound to, and the keys of its issuer in the configuration. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { checkProof } from '@chancery/chassis/tokens/dpop-proof';
import { issuerKeySource } from '@chancery/chassis/tokens/issuer-key-source';
import { parseJson } from '@chancery/core/json';
import {
	anyOf,
	complaint,
	domainError,
	formatError,
	type ParserUnderTest,
	parser,
	sameText,
	textOf,
	zodError,
} from './parser-under-test.ts';

const TOKEN = 'header.payload.signature';
const URL = 'https://ca.example/api/v2/signingCert';
const TIME = 1_800_000_000;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
const jwk = { kty: 'EC', crv: 'P-256', x, y };
const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
/** RFC 7638: the members in the order of their names. */
const thumbprint = digest(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }));
const PROOF = proof();

export const TOKEN_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'proof for a bound token',
		seeds: [PROOF],
		share: 0.5,
		refusals: domainError('token-proof-missing', 'token-proof-invalid'),
		parse: (input) => checkProof({ proof: textOf(input), method: 'POST', url: URL }, TOKEN, thumbprint, TIME),
		// Strict base64url leaves a proof one spelling.
		check: (_used, input) => sameText(textOf(input), PROOF),
	}),
	parser({
		name: 'keys of an issuer in the configuration',
		seeds: [
			JSON.stringify({ keys: [{ ...jwk, kid: 'first', alg: 'ES256', use: 'sig' }] }),
			JSON.stringify({
				spiffe_sequence: 1,
				keys: [
					{ ...jwk, use: 'jwt-svid' },
					{ ...jwk, use: 'x509-svid', x5c: ['MIIB'] },
				],
			}),
		],
		refusals: anyOf(formatError, zodError),
		parse: (input) => issuerKeySource.jwks.parse(parseJson(input)),
		check: (keys = []) =>
			complaint(
				keys.length === 0 && 'there is no key',
				keys.some((key) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((name) => name in key)) &&
					'a private member is kept',
			),
	}),
];

function proof(): string {
	const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
	const head = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk });
	const claims = encode({ jti: 'proof-1', htm: 'POST', htu: URL, iat: TIME, ath: digest(TOKEN) });
	const signature = sign('sha256', Buffer.from(`${head}.${claims}`), { key: privateKey, dsaEncoding: 'ieee-p1363' });
	return `${head}.${claims}.${signature.toString('base64url')}`;
}
