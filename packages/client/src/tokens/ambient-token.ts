/**
 * The token that a platform gives to what runs on it: a CI job, a pod, a virtual machine. Which platform it is, its
 * environment says; each is asked in its own way for a token for one audience. They are tried in the order of the list.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ClientError } from '../client-error.ts';
import { boundedFetch, type IssuerDeps, printable } from './issuer.ts';

export interface AmbientDeps extends IssuerDeps {
	readonly env: Readonly<Record<string, string | undefined>>;
}

interface Platform {
	readonly name: string;
	/** Whether this process runs there. */
	isHere(deps: AmbientDeps): Promise<boolean> | boolean;
	/** @throws {Error} whose message says what is missing */
	request(audience: string, deps: AmbientDeps): Promise<string>;
}

/** Where a projected service account token lies, as Sigstore's clients expect it. */
const POD_TOKEN = '/var/run/sigstore/cosign/oidc-token';
const VENDOR = '/sys/class/dmi/id/product_name';
const METADATA = 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity';
const COMMAND_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

const PLATFORMS: readonly Platform[] = [
	{
		name: 'github',
		isHere: ({ env }) => env.GITHUB_ACTIONS === 'true',
		request: async (audience, deps) => {
			const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = deps.env;
			if (!address || !bearer) throw new Error('the workflow has no permission `id-token: write`');
			const url = new URL(address);
			url.searchParams.set('audience', audience);
			const answer = await askJson(url, { headers: { authorization: `Bearer ${bearer}` } }, deps);
			return z.object({ value: z.string() }).parse(answer).value;
		},
	},
	{
		name: 'gitlab',
		isHere: ({ env }) => env.GITLAB_CI === 'true',
		// The job states the audience in `id_tokens`, before it starts.
		request: async (_audience, { env }) => {
			if (!env.SIGSTORE_ID_TOKEN) throw new Error('the job has no `id_tokens: SIGSTORE_ID_TOKEN`');
			return env.SIGSTORE_ID_TOKEN;
		},
	},
	{
		name: 'buildkite',
		isHere: ({ env }) => env.BUILDKITE === 'true',
		request: async (audience, deps) => {
			const {
				BUILDKITE_AGENT_ACCESS_TOKEN: secret,
				BUILDKITE_AGENT_ENDPOINT: endpoint,
				BUILDKITE_JOB_ID: job,
			} = deps.env;
			if (!secret || !endpoint || !job) throw new Error('the job has no access to its agent');
			const url = new URL(`${endpoint.replace(/\/$/, '')}/jobs/${encodeURIComponent(job)}/oidc/tokens`);
			const headers = { authorization: `Token ${secret}`, 'content-type': 'application/json' };
			const answer = await askJson(url, { method: 'POST', headers, body: JSON.stringify({ audience }) }, deps);
			return z.object({ token: z.string() }).parse(answer).token;
		},
	},
	{
		name: 'circleci',
		isHere: ({ env }) => env.CIRCLECI === 'true',
		// The tokens in the environment of the job are for the organization, so another one is asked for.
		request: async (audience, { env }) => {
			const args = ['run', 'oidc', 'get', '--claims', JSON.stringify({ aud: audience })];
			const options = { env: { ...env }, timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
			return (await promisify(execFile)('circleci', args, options)).stdout.trim();
		},
	},
	{
		name: 'kubernetes',
		isHere: async () => (await readFile(POD_TOKEN).catch(() => undefined)) !== undefined,
		// The audience stands in the projection of the pod.
		request: async () => (await readFile(POD_TOKEN, 'utf8')).trim(),
	},
	{
		name: 'google',
		isHere: async () => /google/i.test(await readFile(VENDOR, 'utf8').catch(() => '')),
		request: async (audience, deps) => {
			const url = new URL(METADATA);
			url.searchParams.set('audience', audience);
			url.searchParams.set('format', 'full');
			const response = await boundedFetch(deps)(url, { headers: { 'metadata-flavor': 'Google' } });
			if (!response.ok) throw new Error(`the metadata server answered ${response.status}`);
			return (await response.text()).trim();
		},
	},
];

/**
 * Returns the token of the platform on which this process runs. It is not verified: its reader does that.
 * @throws {ClientError} `no-ambient-token` when there is no known platform, or it gives none; the message quotes no secret
 */
export async function requestAmbientToken(audience: string, deps: AmbientDeps): Promise<string> {
	for (const platform of PLATFORMS) {
		if (!(await platform.isHere(deps))) continue;
		try {
			return await platform.request(audience, deps);
		} catch (cause) {
			throw new ClientError('no-ambient-token', `${platform.name} gave no token: ${reasonOf(cause)}`, { cause });
		}
	}
	throw new ClientError(
		'no-ambient-token',
		`this is no platform that gives tokens to what runs on it; known are ${PLATFORMS.map(({ name }) => name).join(', ')}`,
	);
}

async function askJson(url: URL, init: RequestInit, deps: AmbientDeps): Promise<unknown> {
	const response = await boundedFetch(deps)(url, init);
	if (!response.ok) throw new Error(`${url.origin} answered ${response.status}`);
	return response.json();
}

/** An error of a program has its whole output as its message. */
function reasonOf(error: unknown): string {
	if (error instanceof z.ZodError) return 'its answer has no token';
	if (error instanceof SyntaxError) return 'its answer is not JSON';
	if (error instanceof Error && 'cmd' in error) return 'its program failed';
	return error instanceof Error ? printable(error.message) : '';
}
