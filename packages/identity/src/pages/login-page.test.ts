import { describe, expect, it } from 'vitest';
import { type LoginPage, loginPage } from './login-page.ts';
import { renderPage } from './page.ts';
import { createPageFrame } from './page-frame.ts';

const FRAME = createPageFrame(
	{ name: 'Example', privacyUrl: 'https://example.com/privacy' },
	{ publicUrl: 'https://id.example.com', isDevelopment: false },
);
const LOGIN: LoginPage = {
	uid: 'uid',
	clientId: 'sigstore',
	redirectUri: 'http://localhost:1234/callback',
	webClients: [],
	connectors: [{ id: 'https://people.example?a=b&c', name: 'People' }],
	developmentLogin: false,
	developmentIdentities: [],
};

const show = (changes: Partial<LoginPage>, typed: Record<string, string> = {}) =>
	renderPage(FRAME, loginPage(FRAME, { ...LOGIN, ...changes }, new URLSearchParams(typed)));

describe('the login page', () => {
	it('says who asks, and that the address becomes public, before the ways to sign in', () => {
		const { body } = show({});
		const at = [
			'<bdi>sigstore</bdi>',
			'Your e-mail address becomes public.',
			'href="https://example.com/privacy"',
			'Continue with',
		];
		const places = at.map((words) => body.indexOf(words));
		expect(places).not.toContain(-1);
		expect(places).toEqual(places.toSorted((a, b) => a - b));
	});

	it.each<[unknown, string]>([
		['http://localhost:1234/callback', 'you return to <bdi>localhost:1234</bdi> on this computer'],
		['http://127.0.0.1:1234/', 'you return to <bdi>127.0.0.1:1234</bdi> on this computer'],
		['http://[::1]:1234/', 'you return to <bdi>[::1]:1234</bdi> on this computer'],
		['https://web.example/sign/callback', 'you return to <bdi>web.example</bdi><'],
		['https://localhost.evil.example/', 'you return to <bdi>localhost.evil.example</bdi><'],
		['urn:ietf:wg:oauth:2.0:oob', 'you get a code to copy into the program'],
		[undefined, 'the program on your other device is signed in'],
	])('says where %s leads', (redirectUri, words) => {
		expect(show({ redirectUri }).body).toContain(words);
	});

	it('has a link per connector, with its id as a parameter', () => {
		expect(show({}).body).toContain(
			'<a class="button" href="/auth/interaction/uid/upstream?connector_id=https%3A%2F%2Fpeople.example%3Fa%3Db%26c">',
		);
	});

	it('lets nobody else write on it', () => {
		const evil = '"><script>alert(1)</script>\u202E';
		const { body } = show(
			{
				uid: evil,
				clientId: evil,
				connectors: [{ id: evil, name: evil }],
				developmentLogin: 'with-secret',
				developmentIdentities: [evil],
				refusal: { detail: evil, field: 'email' },
			},
			{ email: evil, secret: 'typed-secret' },
		);
		expect(body).not.toContain('<script');
		expect(body.match(/U\+202E/g)).toHaveLength(4);
		expect(body).not.toContain('typed-secret');
	});

	it('offers identities by a button each, after the one that the Enter key presses', () => {
		const { body } = show({
			developmentLogin: true,
			developmentIdentities: ['alice@example.test', 'bob@example.test'],
		});
		const buttons = [...body.matchAll(/<button [^>]*>/g)].map(([tag]) => tag);
		expect(buttons[0]).toBe('<button class="button main" type="submit">');
		expect(buttons[1]).toContain('name="identity" value="alice@example.test" formnovalidate');
		expect(buttons[2]).toContain('name="identity" value="bob@example.test" formnovalidate');
	});

	it('connects a refusal with the field that it is about', () => {
		const { body } = show({ developmentLogin: 'with-secret', refusal: { detail: 'Wrong.', field: 'secret' } });
		expect(body).toContain('role="alert" id="refusal"');
		expect(body).toContain('<a href="#secret">Wrong.</a>');
		expect(/<input[^>]* id="secret"[^>]*>/.exec(body)?.[0]).toMatch(
			/autofocus aria-invalid="true" aria-describedby="refusal secret-hint"/,
		);
		expect(/<input[^>]* id="email"[^>]*>/.exec(body)?.[0]).not.toContain('aria-invalid');
	});

	it('says when there is no way to sign in, and warns of nothing then', () => {
		const { body } = show({ connectors: [] });
		expect(body).toContain('No way to sign in is configured here.');
		expect(body).not.toContain('becomes public');
	});
});
