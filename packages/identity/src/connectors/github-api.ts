/** What GitHub's REST API says of the person whose access token it is. https://docs.github.com/rest/users */
import { parseJson } from '@chancery/core/json';
import { z } from 'zod';
import { UpstreamFailure } from './upstream-failure.ts';

const user = z.object({ id: z.int().positive() });
const addresses = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));
const membership = z.object({ state: z.string() });
const refusal = z.object({ message: z.string() });

const PAGE = 100;
/** People have a few addresses; who has more than these has the primary one somewhere else. */
const MAX_PAGES = 3;

export class GitHubApi {
	readonly #base: string;
	readonly #token: string;
	readonly #fetch: typeof fetch;

	constructor(base: string, token: string, fetcher: typeof fetch) {
		this.#base = base;
		this.#token = token;
		this.#fetch = fetcher;
	}

	/** The number of the account. A login name may be given up, and taken by somebody else. */
	async userId(): Promise<string> {
		const { status, body } = await this.#get('/user');
		const raw = body as { id?: unknown } | null;
		if (status === 200 && typeof raw?.id === 'string')
			throw new UpstreamFailure('upstream-subject-changed', 'the id of the account is text, expected a number');
		return String(this.#read(user, '/user', status, body).id);
	}

	/** The address that the person has chosen as the one to be known by; undefined when there is none. */
	async primaryAddress(): Promise<{ readonly email: string; readonly verified: boolean } | undefined> {
		for (let page = 1; page <= MAX_PAGES; page++) {
			const path = `/user/emails?per_page=${PAGE}&page=${page}`;
			const { status, body } = await this.#get(path);
			const found = this.#read(addresses, path, status, body);
			const primary = found.find((address) => address.primary);
			if (primary || found.length < PAGE) return primary;
		}
		return undefined;
	}

	/** Asks one after the other. An organization that shows this app nothing counts as one where the person is not. */
	async isMemberOfAny(organizations: readonly string[]): Promise<boolean> {
		for (const organization of organizations) {
			const path = `/user/memberships/orgs/${encodeURIComponent(organization)}`;
			const { status, body } = await this.#get(path);
			if (status === 403 || status === 404) continue;
			// Who was invited and has not accepted is `pending`.
			if (this.#read(membership, path, status, body).state === 'active') return true;
		}
		return false;
	}

	async #get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
		const response = await this.#fetch(this.#base + path, {
			headers: {
				accept: 'application/vnd.github+json',
				authorization: `Bearer ${this.#token}`,
				'x-github-api-version': '2022-11-28',
				'user-agent': 'chancery',
			},
		});
		try {
			return {
				status: response.status,
				body: parseJson(new Uint8Array(await response.arrayBuffer()), { maxDepth: 16 }),
			};
		} catch (cause) {
			throw new UpstreamFailure('upstream-invalid', `GET ${path} answered no JSON`, { cause });
		}
	}

	#read<T>(schema: z.ZodType<T>, path: string, status: number, body: unknown): T {
		if (status !== 200) {
			const { data } = refusal.safeParse(body);
			// 403 is also what it answers beyond its rate limit.
			const code = status === 403 ? 'upstream-unavailable' : 'upstream-invalid';
			throw new UpstreamFailure(code, `GET ${path} answered ${status}: ${data?.message ?? 'no reason'}`);
		}
		const parsed = schema.safeParse(body);
		if (parsed.success) return parsed.data;
		const [issue] = parsed.error.issues;
		throw new UpstreamFailure('upstream-invalid', `GET ${path}: ${issue?.path.join('.')}: ${issue?.message}`);
	}
}
