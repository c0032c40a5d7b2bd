import { describe, expect, it } from 'vitest';
import type { Provider, UpstreamLogin } from './connector.ts';
import { guardedConnector } from './guarded-connector.ts';
import { UpstreamLoginError } from './upstream-failure.ts';

const LOGIN: UpstreamLogin = {
	redirectUri: 'https://id.example/auth/callback',
	state: 's',
	nonce: 'n',
	codeVerifier: 'v',
};
const RETURNED = new URL('https://id.example/auth/callback?code=the-code&state=s');
const NAMED = { id: 'people', name: 'People', secret: 'hush-hush' };

function connectorWith(finish: Provider['finish'], secret: string = NAMED.secret) {
	const rest = { state: () => ({ ok: true, detail: '' }), renew: async () => undefined, probe: async () => '' };
	const provider = { address: 'https://people.example', begin: async () => RETURNED, finish, ...rest };
	return guardedConnector({ ...NAMED, secret }, provider);
}

const failureOf = (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error);

describe('a connector', () => {
	it('lets so many sign-ins wait for its provider, and refuses others until one is over', async () => {
		const held: (() => void)[] = [];
		const person = { userId: '1', email: 'a@example.com', emailVerified: true };
		const connector = connectorWith(() => new Promise((resolve) => held.push(() => resolve(person))));
		const waiting = Array.from({ length: 64 }, () => connector.finish(RETURNED, LOGIN));
		expect(await failureOf(connector.finish(RETURNED, LOGIN))).toMatchObject({
			code: 'overloaded',
			retryAfterSeconds: 5,
		});
		held[0]?.();
		expect(await waiting[0]).toEqual(person);
		const late = connector.finish(RETURNED, LOGIN);
		for (const end of held) end();
		expect(await Promise.all([...waiting, late])).toHaveLength(65);
	});

	it('says what is unexpected in a code of its own, without secrets and on one line', async () => {
		const connector = connectorWith(() => Promise.reject(new TypeError('no\n\u001b[31mthe-code hush-hush')));
		const failure = await failureOf(connector.finish(RETURNED, LOGIN));
		expect(failure).toBeInstanceOf(UpstreamLoginError);
		expect(failure).toMatchObject({
			code: 'upstream-invalid',
			connectorId: 'people',
			words: 'no [31m[secret] [secret]',
		});
	});

	it.each([
		['a form', new URLSearchParams({ s: 'say "é" & 100%' }).toString().slice(2)],
		['a URL', encodeURIComponent('say "é" & 100%')],
		['JSON', JSON.stringify('say "é" & 100%').slice(1, -1)],
	])('knows its secret as %s has it, when the provider repeats what it was sent', async (_what, repeated) => {
		const finish = () => Promise.reject(new TypeError(`not understood: ${repeated}&x=1`));
		const connector = connectorWith(finish, 'say "é" & 100%');
		const failure = await failureOf(connector.finish(RETURNED, LOGIN));
		expect(failure).toMatchObject({ words: 'not understood: [secret]&x=1' });
	});

	it.each([
		['a lone surrogate', 'a\ud800'],
		['a bidirectional override', 'a\u202eb'],
		['an object', {}],
	])('takes no user id that is %s', async (_what, userId) => {
		const connector = connectorWith(async () => ({ userId, email: 'a@example.com', emailVerified: true }));
		expect(await failureOf(connector.finish(RETURNED, LOGIN))).toMatchObject({ code: 'upstream-subject-invalid' });
	});
});
