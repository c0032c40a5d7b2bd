/** What other identity providers say of the people who sign in there, and of themselves. */
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { checkRules, isTrue } from '@chancery/identity/tested/claim-policy';
import { GitHubApi } from '@chancery/identity/tested/github-api';
import { guardedConnector } from '@chancery/identity/tested/guarded-connector';
import { loggedWords, UpstreamFailure, UpstreamLoginError } from '@chancery/identity/tested/upstream-failure';
import { emailAddress } from '@chancery/wire/identity';
import { anyOf, complaint, formatError, type ParserUnderTest, parser, sameText, textOf } from './parser-under-test.ts';

const LOGIN = {
	redirectUri: 'https://id.example/auth/callback',
	state: 'the state',
	nonce: 'nonce',
	codeVerifier: 'verifier',
};
const RETURNED = new URL(`${LOGIN.redirectUri}?code=the-code`);
const SECRET = 'the secret';
const NAMED = { id: 'people', name: 'People', secret: SECRET };
const RULES = [{ claim: 'groups', anyOf: ['signers', 'teams/*'] }];

/** A connector whose provider has said these claims, and nothing else happened. */
const connectorSaying = (claims: Record<string, unknown>) =>
	guardedConnector(NAMED, {
		address: 'https://people.example',
		begin: async () => RETURNED,
		finish: async () => {
			checkRules(claims, RULES);
			return { userId: claims.sub, email: claims.email, emailVerified: isTrue(claims.email_verified) };
		},
		state: () => ({ ok: true, detail: '' }),
		renew: async () => undefined,
		probe: async () => '',
	});

export const IDENTITY_UPSTREAM_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'claims of somebody at another provider',
		seeds: [
			JSON.stringify({ sub: 'a1', email: 'a@example.com', email_verified: true, groups: ['all', 'teams/web'] }),
			JSON.stringify({ groups: 'signers', email_verified: 'true', email: 'b.c+d@example.org', sub: '\u00fc 1' }),
		],
		refusals: anyOf(formatError, (error) => error instanceof UpstreamLoginError),
		parse: async (input) => {
			const claims = parseJson(input);
			if (typeof claims !== 'object' || claims === null) throw new FormatError('claims', 'are none');
			const known = claims as Record<string, unknown>;
			return { claims: known, person: await connectorSaying(known).finish(RETURNED, LOGIN) };
		},
		check: ({ claims, person }) => {
			const groups = [claims.groups].flat();
			return complaint(
				person.userId !== claims.sub && 'it is somebody else',
				!(person.userId.length > 0 && person.userId.length <= 255) && 'its id is none, or too long',
				!person.userId.isWellFormed() && 'its id has no UTF-8',
				!emailAddress.safeParse(person.email).success && 'its address is none',
				!['true', true].includes(claims.email_verified as boolean) && 'nobody verified its address',
				!groups.some((group) => group === 'signers' || /^teams\/[^/]*$/.test(String(group))) && 'it is in no group',
			);
		},
	}),
	parser({
		name: 'what GitHub says of a person',
		seeds: [
			`${JSON.stringify({ id: 583231, login: 'octocat' })}\n${JSON.stringify([{ email: 'a@example.com', primary: true, verified: true }])}\n${JSON.stringify({ state: 'active' })}`,
			`${JSON.stringify({ id: 1 })}\n${JSON.stringify([
				{ email: 'b@example.com', primary: false, verified: true },
				{ email: 'c@example.com', primary: true, verified: false },
			])}\n${JSON.stringify({ state: 'pending' })}`,
		],
		refusals: (error) => error instanceof UpstreamFailure,
		parse: async (input) => {
			// As bytes of an answer: half a surrogate pair has none.
			const [user = '', emails = '', membership = ''] = textOf(input).toWellFormed().split('\n');
			const answers: Readonly<Record<string, string>> = { '/user': user, '/user/emails': emails };
			const api = new GitHubApi('https://api.example', 'token', async (url: unknown) => {
				return new Response(answers[new URL(String(url)).pathname] ?? membership);
			});
			const [id, address, isMember] = [await api.userId(), await api.primaryAddress(), await api.isMemberOfAny(['x'])];
			return { id, address, isMember, emails, membership };
		},
		check: ({ id, address, isMember, emails, membership }) =>
			complaint(
				!/^[1-9][0-9]{0,15}$/.test(id) && 'the account has no number',
				isMember !== ((JSON.parse(membership) as { state: string }).state === 'active') && 'it is no member',
				address &&
					!(JSON.parse(emails) as Record<string, unknown>[]).some(
						(one) => one.primary === true && one.email === address.email && one.verified === address.verified,
					) &&
					'it has no such primary address',
			),
	}),
	parser({
		name: 'words of a provider, for the log',
		seeds: ['invalid_grant: the code the-code is not valid', `a\r\n{"level":50}\u001b[31m\u202e ${SECRET}`],
		refusals: () => false,
		parse: (input) => loggedWords(textOf(input), ['the-code', SECRET, '']),
		check: (words, input) =>
			complaint(
				/[\p{C}]/u.test(words) && 'a terminal would obey it',
				words.length > 300 && 'it is long',
				words.includes(SECRET) && 'it has the secret',
				words.includes('the-code') && 'it has the code',
				sameText(words, loggedWords(textOf(input), ['the-code', SECRET, ''])),
			),
	}),
];
