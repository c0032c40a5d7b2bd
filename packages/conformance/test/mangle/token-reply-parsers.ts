/** What an issuer, or the platform of a job, answers to our client: mangled, each in the place of one good answer. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { requestAmbientToken } from '@chancery/client/tokens/ambient-token';
import { exchangeToken } from '@chancery/client/tokens/machine-grants';
import { complaint, type ParserUnderTest, parser } from './parser-under-test.ts';

const ISSUER = 'https://id.example.com/auth';
const NOW_MS = Date.UTC(2026, 0, 1);
const SHARE = 0.2;

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = NOW_MS / 1000;
const signed = `${part({ alg: 'ES256', kid: 'k' })}.${part({ iss: ISSUER, sub: 'x', aud: 'sigstore', iat: seconds, exp: seconds + 60 })}`;
const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
const TOKEN = `${signed}.${signature.toString('base64url')}`;

const GOOD = {
	discovery: JSON.stringify({
		issuer: ISSUER,
		token_endpoint: `${ISSUER}/token`,
		jwks_uri: `${ISSUER}/keys`,
	}),
	keys: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] }),
	token: JSON.stringify({ access_token: TOKEN, token_type: 'bearer', expires_in: 60 }),
};
type Place = keyof typeof GOOD;

function placeOf(url: string): Place {
	if (url.endsWith('/token')) return 'token';
	return url.endsWith('/keys') ? 'keys' : 'discovery';
}

/** An issuer with one answer in the place of a good one. Whatever address a mangled document names, nobody is asked. */
function fetchWith(place: Place, input: Uint8Array): typeof fetch {
	return async (url) => {
		const asked = placeOf(String(url));
		const body = asked === place ? Uint8Array.from(input) : GOOD[asked];
		return new Response(body, { headers: { 'content-type': 'application/json' } });
	};
}

const clientError = (error: unknown) =>
	error instanceof Error && error.name === 'ClientError' && /^[\P{Cc}]{1,1500}$/u.test(error.message);

/** The last character of base64url has bits that mean nothing. */
const bytesOf = (token: string) => Buffer.from(token.split('.')[2] ?? '', 'base64url').toString('hex');

function exchanged(place: Place): ParserUnderTest {
	return parser({
		name: `${place} of an issuer, at the client`,
		seeds: [GOOD[place]],
		share: SHARE,
		refusals: clientError,
		parse: (input) =>
			exchangeToken(
				{ issuer: ISSUER, clientId: 'sigstore' },
				{ subjectToken: 'a.b.c', audience: 'sigstore' },
				{ fetch: fetchWith(place, input), clock: () => NOW_MS },
			),
		// Only the issuer's key signs, so there is one token that a client may get.
		check: (token) =>
			complaint(
				!(token.startsWith(`${signed}.`) && bytesOf(token) === bytesOf(TOKEN)) && 'it is a token that nobody signed',
			),
	});
}

export const TOKEN_REPLY_PARSERS: readonly ParserUnderTest[] = [
	exchanged('discovery'),
	exchanged('keys'),
	exchanged('token'),
	parser({
		name: 'token of a platform, at the client',
		seeds: [JSON.stringify({ count: 1, value: TOKEN })],
		share: SHARE,
		refusals: clientError,
		parse: (input) =>
			requestAmbientToken('sigstore', {
				env: {
					GITHUB_ACTIONS: 'true',
					ACTIONS_ID_TOKEN_REQUEST_URL: 'https://ci.example.com/token',
					ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'bearer',
				},
				fetch: async () => new Response(Uint8Array.from(input)),
				clock: () => NOW_MS,
			}),
		check: (token) => complaint(typeof token !== 'string' && 'it is no text'),
	}),
];
