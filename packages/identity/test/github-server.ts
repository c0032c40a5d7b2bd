/**
 * A server of GitHub, as far as its documentation tells how people sign in: OAuth 2.0 with PKCE, refusals with the status
 * 200, and the API that says who somebody is.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, type ProviderAnswer } from '@chancery/testkit/openid-provider';

export interface GitHubServer {
	readonly origin: string;
	/** `GET /user` and so on; those of the API without `/api/v3`. */
	readonly requests: readonly string[];
	/** Another answer at these paths, until the next call. */
	behave(answers: Readonly<Record<string, ProviderAnswer>>): void;
	close(): Promise<void>;
}

export interface GitHubAccount {
	readonly id: number;
	readonly emails: readonly { readonly email: string; readonly primary: boolean; readonly verified: boolean }[];
	/** State of the membership by organization. */
	readonly organizations?: Readonly<Record<string, 'active' | 'pending'>>;
}

/** @param accounts by login name */
export async function startGitHubServer(
	client: { readonly id: string; readonly secret: string },
	accounts: Readonly<Record<string, GitHubAccount>>,
): Promise<GitHubServer> {
	let changed: Readonly<Record<string, ProviderAnswer>> = {};
	const requests: string[] = [];
	const codes = new Map<string, { user: string; params: URLSearchParams }>();
	const tokens = new Map<string, { account: GitHubAccount; scopes: readonly string[] }>();

	const tokenAnswer = (form: URLSearchParams): ProviderAnswer => {
		const refuse = (error: string) =>
			json(200, { error, error_description: `about ${error}`, error_uri: 'https://docs' });
		if (form.get('client_id') !== client.id || form.get('client_secret') !== client.secret)
			return refuse('incorrect_client_credentials');
		const code = codes.get(form.get('code') ?? '');
		codes.delete(form.get('code') ?? '');
		const challenge = createHash('sha256')
			.update(form.get('code_verifier') ?? '')
			.digest('base64url');
		const account = code && accounts[code.user];
		if (!account || code.params.get('code_challenge') !== challenge) return refuse('bad_verification_code');
		const token = `gho_${randomBytes(18).toString('hex')}`;
		tokens.set(token, { account, scopes: (code.params.get('scope') ?? '').split(' ') });
		return json(200, { access_token: token, scope: form.get('scope') ?? '', token_type: 'bearer' });
	};

	const apiAnswer = (path: string, url: URL, request: IncomingMessage): ProviderAnswer => {
		const session = tokens.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
		if (!request.headers['user-agent']) return json(403, { message: 'Request forbidden by administrative rules' });
		if (!session) return json(401, { message: 'Bad credentials' });
		const { account, scopes } = session;
		if (path === '/user') return json(200, { login: 'somebody', id: account.id, email: null });
		if (path === '/user/emails') {
			if (!scopes.includes('user:email')) return json(404, { message: 'Not Found' });
			const [size, page] = ['per_page', 'page'].map((name) => Number(url.searchParams.get(name)));
			return json(200, account.emails.slice((page! - 1) * size!, page! * size!));
		}
		const [, organization = ''] = /^\/user\/memberships\/orgs\/([^/]+)$/.exec(path) ?? [];
		if (!scopes.includes('read:org')) return json(403, { message: 'You need at least read:org scope' });
		const state = account.organizations?.[organization];
		return state === undefined ? json(404, { message: 'Not Found' }) : json(200, { state });
	};

	const answerTo = async (request: IncomingMessage): Promise<ProviderAnswer> => {
		const url = new URL(request.url ?? '/', 'http://github');
		const path = url.pathname.replace(/^\/api\/v3/, '');
		requests.push(`${request.method} ${path}`);
		let body = '';
		for await (const chunk of request) body += String(chunk);
		const form = new URLSearchParams(body);
		const other = changed[path];
		if (other) return other;
		if (path === '/login/oauth/access_token') return tokenAnswer(form);
		if (path !== '/login/oauth/authorize') return apiAnswer(path, url, request);
		if (request.method === 'GET')
			return { status: 200, headers: { 'content-type': 'text/html' }, body: '<form method="post">' };
		const back = new URL(url.searchParams.get('redirect_uri') ?? '');
		const code = randomBytes(10).toString('hex');
		if (form.has('cancel')) back.searchParams.set('error', 'access_denied');
		else {
			codes.set(code, { user: form.get('user') ?? '', params: url.searchParams });
			back.searchParams.set('code', code);
		}
		back.searchParams.set('state', url.searchParams.get('state') ?? '');
		return { status: 302, headers: { location: back.href }, body: '' };
	};

	const server = createServer((request, response) => {
		void answerTo(request).then(({ status, headers, body }) => response.writeHead(status, headers).end(body));
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	return {
		origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		requests,
		behave(answers) {
			changed = answers;
		},
		async close() {
			server.closeAllConnections();
			await once(server.close(), 'close');
		},
	};
}
