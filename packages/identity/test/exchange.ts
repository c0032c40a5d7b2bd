/** Token exchanges as clients ask for them, tokens in the shapes of known platforms, and a provider with two of these. */
import { startTokenIssuer, type TokenIssuer } from '@chancery/testkit/token-issuer';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { type IdentityServer, startIdentityServer } from './identity-server.ts';

export interface ExchangeAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly body: Record<string, unknown>;
}

/** POST to the token endpoint of `issuer`; `extra` adds and replaces, undefined removes, a list sends each. */
export async function exchange(
	issuer: string,
	subjectToken: string,
	extra: Readonly<Record<string, string | readonly string[] | undefined>> = {},
	headers: Readonly<Record<string, string>> = {},
): Promise<ExchangeAnswer> {
	const form = new URLSearchParams();
	const parameters = {
		grant_type: TOKEN_EXCHANGE_GRANT,
		client_id: 'sigstore',
		subject_token: subjectToken,
		subject_token_type: TOKEN_TYPES.idToken,
		audience: 'sigstore',
		...extra,
	};
	for (const [name, value] of Object.entries(parameters))
		for (const each of [value ?? []].flat()) form.append(name, each);
	const response = await fetch(`${issuer}/token`, { method: 'POST', body: form, headers });
	return {
		status: response.status,
		headers: response.headers,
		body: (await response.json()) as Record<string, unknown>,
	};
}

/** Claims of a run of GitHub Actions, without those that every token has. */
export const GITHUB_CLAIMS = {
	sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
	repository: 'octo-org/octo-repo',
	repository_owner: 'octo-org',
	repository_id: '74',
	repository_owner_id: '65',
	repository_visibility: 'public',
	ref: 'refs/heads/main',
	ref_type: 'branch',
	sha: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
	workflow: 'release',
	workflow_ref: 'octo-org/octo-repo/.github/workflows/release.yml@refs/heads/main',
	workflow_sha: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
	job_workflow_ref: 'octo-org/octo-repo/.github/workflows/release.yml@refs/heads/main',
	job_workflow_sha: 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66',
	event_name: 'push',
	run_id: '30433642',
	run_attempt: '2',
	runner_environment: 'github-hosted',
	actor: 'octocat',
};

/** Claims of a projected service account token. */
export const KUBERNETES_CLAIMS = {
	sub: 'system:serviceaccount:builds:release',
	'kubernetes.io': {
		namespace: 'builds',
		node: { name: 'node-1', uid: '3f6d1f4e-9f0a-4e5f-8f4e-0c1f0f6d1f4e' },
		pod: { name: 'release-7', uid: '5b1f0c1f-8f4e-4e5f-9f0a-3f6d1f4e0f6d' },
		serviceaccount: { name: 'release', uid: '9f0a3f6d-1f4e-4e5f-8f4e-0c1f0f6d1f4e' },
		warnafter: 1_800_003_607,
	},
};

export const GITHUB_CONNECTOR = 'https://token.actions.githubusercontent.com';

export interface Machines {
	/** Changes by itself only; every part of the test has this time. */
	nowMs: number;
	readonly github: TokenIssuer;
	readonly cluster: TokenIssuer;
	server: IdentityServer;
	/** For servers at the address and with the database of the first one. */
	readonly config: Record<string, unknown>;
	/** A token of a run of GitHub Actions that the server accepts, unlike any before. */
	githubToken(claims?: Record<string, unknown>, options?: Parameters<TokenIssuer['mint']>[1]): Promise<string>;
	stop(): Promise<void>;
}

/** A provider that exchanges tokens of `github`, each once, and of `cluster`, until they are an hour old. */
export async function startMachines(): Promise<Machines> {
	const time = { nowMs: 1_800_000_000_000 };
	const clock = () => time.nowMs;
	const github = await startTokenIssuer(clock);
	const cluster = await startTokenIssuer(clock);
	const config = {
		clients: ['sigstore', 'other-client'],
		machineIssuers: [
			{
				name: 'github',
				issuer: github.url,
				connectorId: GITHUB_CONNECTOR,
				rules: [{ claim: 'repository_owner', anyOf: ['octo-org'] }],
			},
			{ name: 'cluster', issuer: cluster.url, audience: 'https://builds', maxAgeSeconds: 3600, reuse: 'until-expiry' },
		],
	};
	let serial = 0;
	const machines: Machines = {
		get nowMs() {
			return time.nowMs;
		},
		set nowMs(ms) {
			time.nowMs = ms;
		},
		github,
		cluster,
		server: await startIdentityServer({ clock, config }),
		config,
		githubToken: (claims = {}, options) =>
			github.mint(
				{
					...GITHUB_CLAIMS,
					aud: machines.server.issuer,
					exp: Math.floor(machines.nowMs / 1000) + 300,
					jti: `run-${++serial}`,
					...claims,
				},
				options,
			),
		async stop() {
			await machines.server.stop();
			await machines.server.test.drop();
			await github.close();
			await cluster.close();
		},
	};
	return machines;
}
