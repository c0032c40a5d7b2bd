/** What browsers, programs and other identity providers say to the identity service and about identities. */
import { createPublicKey, verify, type webcrypto } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { normalize } from 'node:path/posix';
import { subjectUri } from '@chancery/ca/tested/subject-uri';
import { parseJsonBody } from '@chancery/chassis/http/json-body';
import { brokenRule, claimRule } from '@chancery/chassis/tokens/claim-rule';
import { claimText } from '@chancery/chassis/tokens/claims';
import { equalBytes, utf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import type { SigningJwks } from '@chancery/identity/generate-jwks';
import { openIssuerKeys } from '@chancery/identity/tested/issuer-keys';
import { believeForm } from '@chancery/identity/tested/login-form';
import { type LoginPage, loginPage } from '@chancery/identity/tested/login-page';
import { mintToken } from '@chancery/identity/tested/mint';
import { renderPage } from '@chancery/identity/tested/page';
import { createPageFrame } from '@chancery/identity/tested/page-frame';
import { formTargetOf, OUT_OF_BAND, redirectUriAllowed } from '@chancery/identity/tested/redirect-uri';
import { replayRequest } from '@chancery/identity/tested/replay';
import { emailAddress, mintDevelopmentToken } from '@chancery/wire/identity';
import {
	anyOf,
	complaint,
	domainError,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	sameText,
	textOf,
	zodError,
} from './parser-under-test.ts';
import { seedJson } from './seeds.ts';

const PUBLIC_URL = 'https://id.example';
const PUBLIC_HOST = 'id.example';
const CLIENTS = ['sigstore', 'another client'];
const LOGIN_FORM = { needsSecret: false, issuer: `${PUBLIC_URL}/auth`, isSecret: () => false };

const { auth, ci } = seedJson<SigningJwks>('signing jwks');
const keys = { auth: await openIssuerKeys('auth', auth), ci: await openIssuerKeys('ci', ci) };
const MINT = {
	publicUrl: PUBLIC_URL,
	secret: 'for-tests-only-0123456789',
	...keys,
	clock: () => 1_800_000_000_000,
	random: (n: number) => new Uint8Array(n).fill(7),
};

const basic = (id: string, secret = '') => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const CODE = 'grant_type=authorization_code&code=a-b_c&code_verifier=x&redirect_uri=http%3A%2F%2Flocalhost%3A1%2F';

export const IDENTITY_REQUEST_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'redirect URI',
		seeds: ['http://localhost/auth/callback', 'http://127.0.0.1:65535/x?y=[z]&%20', 'http://[::1]:8080/', OUT_OF_BAND],
		refusals: formatError,
		parse: (input) => {
			const uri = textOf(input);
			const target = formTargetOf(uri, []);
			// A refused one that a form may lead to goes on to the check, as a fault.
			if (!redirectUriAllowed(uri) && target === undefined) throw new FormatError('redirect URI', 'refused');
			return { uri, target };
		},
		// As a browser reads it: to this machine, in the clear, with nothing that changes who is asked.
		check: ({ uri, target }) => {
			if (uri === OUT_OF_BAND) return target === undefined ? undefined : 'a form may lead to a URN';
			const { protocol, hostname, username, password, hash, origin } = new URL(uri);
			return complaint(
				!(protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)) && 'it leaves the machine',
				username + password + hash !== '' && 'it has a user or a fragment',
				!/^[\x21-\x7e]+$/.test(uri) && 'it holds what parsers disagree about',
				sameText(target ?? '', hostname === '[::1]' ? 'http:' : origin),
			);
		},
	}),
	parser({
		name: 'token request of a client',
		seeds: [
			`${basic('sigstore')}\n${CODE}`,
			`${basic('another+client', 'x')}\n${CODE}&client_id=another+client&client_secret=y`,
			`\n${CODE}&client_id=sigstore`,
			`Bearer x\n${CODE}`,
		],
		refusals: () => false,
		parse: async (input) => {
			const { head, body } = headAndBody(input);
			const request = replayed('POST', '/auth/token', { authorization: head, host: 'evil.example' }, body);
			return { request, body, head, content: await contentOf(request) };
		},
		check: ({ request, body, head, content }) => {
			const { authorization, host, 'content-length': length } = request.headers;
			const isRewritten = authorization === undefined;
			const [before, after] = [body, content].map((one) => new URLSearchParams(new TextDecoder().decode(one)));
			const others = (form: URLSearchParams | undefined) =>
				[...(form ?? [])].filter(([name]) => name !== 'client_id' && name !== 'client_secret').join('\n');
			const named = before?.getAll('client_id') ?? [];
			const ids = after?.getAll('client_id') ?? [];
			return complaint(
				host !== PUBLIC_HOST && 'it repeats a host that somebody made up',
				Number(length ?? 0) !== content.length && 'its length is not that of its body',
				!isRewritten && (sameText(authorization, head) ?? sameBytes(content, body)),
				isRewritten && !(ids.length === 1 && CLIENTS.includes(ids[0] ?? '')) && 'it names no client of ours',
				isRewritten && !named.every((id) => id === ids[0]) && 'it changes the client that the form names',
				isRewritten && after?.has('client_secret') && 'it keeps a secret of a public client',
				isRewritten && sameText(others(after), others(before)),
			);
		},
	}),
	parser({
		name: 'cookies of a sign-in',
		seeds: [
			'chancery_session=abc; chancery_session.sig=def; chancery_interaction=x',
			'a=b;chancery_session=abc ; c="d; e"',
			'chancery_session',
		],
		refusals: () => false,
		parse: (input) => replayed('GET', '/auth/auth', { cookie: textOf(input) }, new Uint8Array()).headers.cookie ?? '',
		check: (cookie, input) => {
			// As the library of the provider finds a cookie.
			const session = /(?:^|;) *chancery_session=([^;]*)/;
			const others = (text: string) => text.split(';').filter((pair) => !/^\s*chancery_session\s*(=|$)/.test(pair));
			return complaint(
				session.test(cookie) && 'the session of an earlier sign-in is still there',
				sameText(others(cookie).join(';'), others(textOf(input)).join(';')),
			);
		},
	}),
	parser({
		name: 'form of the development login',
		seeds: ['email=alice%40example.com', 'email=+alice%40example.com+&email=b%40example.com', 'email=%3Cb%3E%22&x=y'],
		refusals: () => false,
		parse: (input) => {
			const form = new URLSearchParams(textOf(input));
			try {
				return { form, account: believeForm(LOGIN_FORM, form) };
			} catch (error) {
				if (domainError('login-refused')(error)) return { form, account: undefined };
				throw error;
			}
		},
		// Who is refused gets the form back, with what was typed in it and nothing that a browser would run.
		check: ({ form, account }) => {
			const shape = (typed: URLSearchParams) =>
				renderPage(FRAME, loginPage(FRAME, LOGIN, typed)).body.replaceAll(/[^<>"']/g, '');
			return complaint(
				account && !emailAddress.safeParse(account.email).success && 'it signs in who has no address',
				account && sameText(account.email, (form.get('email') ?? '').trim()),
				account &&
					!equalBytes(
						Buffer.from(account.sub, 'base64url').subarray(2, 2 + utf8(account.email).length),
						utf8(account.email),
					) &&
					account.email.length < 128 &&
					'the subject names somebody else',
				sameText(shape(form), shape(new URLSearchParams())),
			);
		},
	}),
	parser({
		name: 'order of a development token',
		seeds: [
			JSON.stringify({
				email: 'a@example.com',
				claims: { groups: ['x'], iss: 'https://evil.example' },
				audience: 'other',
			}),
			JSON.stringify({
				claims: { job_workflow_ref: 'o/r/.github/workflows/w.yml@refs/heads/main', environment: 'x', exp: 9 },
			}),
		],
		share: 0.3,
		refusals: anyOf(domainError('invalid-json', 'invalid-request'), zodError),
		parse: async (input) => {
			const order = mintDevelopmentToken.body.parse(parseJsonBody(input));
			return { order, token: await mintToken(MINT, `Bearer ${MINT.secret}`, order) };
		},
		check: ({ order, token }) => {
			const [header = '', payload = '', signature = ''] = token.split('.');
			const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
			const { kid } = decode(header);
			const claims = decode(payload);
			const issuer = [keys.auth, keys.ci].findIndex(({ publicJwks }) => publicJwks.some((one) => one.kid === kid));
			const jwk = [...keys.auth.publicJwks, ...keys.ci.publicJwks].find((one) => one.kid === kid);
			const key = createPublicKey({ key: { ...jwk } as webcrypto.JsonWebKey, format: 'jwk' });
			return complaint(
				!verify('sha256', utf8(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')) &&
					'it does not verify',
				sameText(String(claims.iss), issuer === 0 ? `${PUBLIC_URL}/auth` : `${PUBLIC_URL}/ci`),
				sameText(JSON.stringify(claims.aud), JSON.stringify(order.audience ?? 'sigstore')),
				!(claims.iat === 1_800_000_000 && claims.exp === 1_800_000_600) && 'its time is not the one of the issuer',
				sameText(String(claims.jti), Buffer.alloc(16, 7).toString('base64url')),
			);
		},
	}),
	parser({
		name: 'claim rules',
		seeds: [
			JSON.stringify({
				rules: [{ claim: 'repository', anyOf: ['octo-org/*', 'x'] }],
				claims: { repository: 'octo-org/a' },
			}),
			JSON.stringify({ rules: [{ claim: 'ref', anyOf: ['refs/*/v*.*-rc*'] }], claims: { ref: 'refs/tags/v1.2-rc3' } }),
			JSON.stringify({ rules: [{ claim: 'id', anyOf: ['1*2'] }], claims: { id: 112 } }),
		],
		refusals: anyOf(formatError, zodError),
		parse: (input) => {
			const given = parseJson(input) as { rules?: unknown; claims?: unknown } | null;
			if (typeof given?.claims !== 'object' || given.claims === null) throw new FormatError('claims', 'are none');
			const rules = claimRule.array().parse(given.rules);
			return { rules, claims: given.claims as Record<string, unknown> };
		},
		check: ({ rules, claims }) => {
			const expected = rules.find(({ claim, anyOf: patterns }) => {
				const value = claimText(claims, claim);
				return value === undefined || !patterns.some((pattern) => slowlyMatches(pattern, value));
			});
			return brokenRule(claims, rules) === expected ? undefined : 'a slower reader of the rules comes to another end';
		},
	}),
	parser({
		name: 'reference of a workflow, as a subject',
		seeds: [
			'o/r/.github/workflows/w.yml@refs/heads/main',
			'o/r/.github/workflows/a b/\u00fc%20?q=\u00fc#frag ment',
			'/o//r/./.github/%2e%2e/%2F#/',
		],
		refusals: domainError('claim-malformed'),
		parse: (input) => subjectUri(GITHUB, textOf(input)),
		// Encoding changes the spelling, never what is spelled; Node's paths are the judge of slashes and dots.
		check: (uri, input) =>
			complaint(
				!uri.startsWith(`${GITHUB}/`) && 'it is the name of something at another server',
				!/^[\x21-\x7e]+$/.test(uri) && 'it is no IA5String of visible characters',
				/[#?]|%(?![0-9A-Fa-f]{2})/.test(uri) && 'it has a query, a fragment, or a percent sign that starts no escape',
				sameText(decoded(uri), decoded(GITHUB + normalize(`/${textOf(input)}`))),
			),
	}),
];

const GITHUB = 'https://github.com';
const FRAME = createPageFrame({ name: 'Chancery' }, { publicUrl: PUBLIC_URL, isDevelopment: true });
const LOGIN: LoginPage = {
	uid: 'uid',
	clientId: 'sigstore',
	redirectUri: undefined,
	webClients: [],
	connectors: [],
	developmentLogin: true,
	developmentIdentities: ['alice@example.com'],
	refusal: { detail: 'words of ours', field: 'email' },
};

function headAndBody(input: Uint8Array): { head: string; body: Uint8Array } {
	const end = input.indexOf(0x0a);
	const at = end < 0 ? input.length : end;
	// Headers come as bytes, each of which is a character.
	return { head: Buffer.from(input.subarray(0, at)).toString('latin1'), body: input.slice(at + 1) };
}

function replayed(method: string, url: string, headers: Record<string, string>, body: Uint8Array): IncomingMessage {
	const original = new IncomingMessage(new Socket());
	Object.assign(original, { method, url, headers });
	return replayRequest(original, body, { publicHost: PUBLIC_HOST, clients: CLIENTS });
}

async function contentOf(request: IncomingMessage): Promise<Uint8Array> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of request) chunks.push(chunk as Uint8Array);
	return Buffer.concat(chunks);
}

/** `*` is any characters but `/`: every place where the pattern may be after each character of the value. */
function slowlyMatches(pattern: string, value: string): boolean {
	let places = new Set(skipStars(pattern, [0]));
	for (const character of value.split('')) {
		const next: number[] = [];
		for (const at of places) {
			if (pattern[at] === '*' && character !== '/') next.push(at);
			if (pattern[at] === character && pattern[at] !== '*') next.push(at + 1);
		}
		places = new Set(skipStars(pattern, next));
	}
	return places.has(pattern.length);
}

/** A star may also stand for nothing. */
function skipStars(pattern: string, places: readonly number[]): number[] {
	return places.flatMap((at) => {
		const reached = [at];
		for (let end = at; pattern[end] === '*'; end++) reached.push(end + 1);
		return reached;
	});
}

/** The bytes that a URI spells, one character each. */
function decoded(uri: string): string {
	return Buffer.from(uri)
		.toString('latin1')
		.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
