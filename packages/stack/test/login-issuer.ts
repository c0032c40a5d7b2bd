/** An identity provider of ours with a development login, on a loopback port and with a database of its own. */
import { randomBytes } from 'node:crypto';
import { createLogger } from '@chancery/chassis/logger';
import { configSchema } from '@chancery/identity/config';
import { identity } from '@chancery/identity/definition';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { migrateAll } from '@chancery/postgres/migrate';
import { freePort } from '@chancery/testkit/free-port';
import { createTestDatabase } from '@chancery/testkit/test-database';

export const DEVELOPMENT_SECRET = 'the-secret-of-this-test-instance';

export interface TestIssuer {
	readonly publicUrl: string;
	readonly issuer: string;
	stop(): Promise<void>;
}

export async function startIssuer(): Promise<TestIssuer> {
	const port = await freePort();
	const publicUrl = `http://localhost:${port}`;
	const test = await createTestDatabase();
	await migrateAll(test.database, identity.migrations);
	const env = { JWKS: JSON.stringify(await generateSigningJwks()), SECRET: DEVELOPMENT_SECRET };
	const service = await identity.open({
		config: configSchema(env).parse({
			publicUrl,
			developmentLogin: true,
			signingJwks: { env: 'JWKS' },
			developmentSecret: { env: 'SECRET' },
		}),
		profile: 'development',
		signers: {},
		marks: {},
		database: test.database,
		clock: Date.now,
		random: (n) => new Uint8Array(randomBytes(n)),
		fetch,
		logger: createLogger({ level: 'silent', json: true, name: 'identity' }),
	});
	await service.listeners.find(({ name }) => name === 'public')?.app.listen({ host: 'localhost', port });
	return {
		publicUrl,
		issuer: `${publicUrl}/auth`,
		stop: async () => {
			for (const { app } of service.listeners) await app.close();
			await service.close();
			await test.drop();
		},
	};
}

/** Does what a browser does with the address of a login: signs `email` in and follows the redirects. Returns the last page. */
export async function signIn(url: string, email: string): Promise<string> {
	const cookies = new Map<string, string>();
	const go = async (target: URL, init: RequestInit = {}): Promise<{ url: URL; body: string }> => {
		const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
		const answer = await fetch(target, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
		for (const line of answer.headers.getSetCookie()) {
			const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
			cookies.set(name, value);
		}
		const location = answer.headers.get('location');
		return location === null ? { url: target, body: await answer.text() } : go(new URL(location, target));
	};
	const submit = (page: { url: URL; body: string }, fields: Record<string, string>, action: RegExp) => {
		const target = new URL(action.exec(page.body)?.[1] ?? '', page.url);
		return go(target, { method: 'POST', body: new URLSearchParams(fields), headers: { origin: page.url.origin } });
	};
	let page = await go(new URL(url));
	if (page.url.pathname.endsWith('/device')) {
		const field = (name: string) => new RegExp(`name="${name}"[^>]* value="([^"]*)"`).exec(page.body)?.[1] ?? '';
		page = await submit(page, { xsrf: field('xsrf'), user_code: field('user_code') }, /action="([^"]+)"/);
		page = await submit(
			page,
			{ xsrf: field('xsrf'), user_code: field('user_code'), confirm: 'yes' },
			/action="([^"]+)"/,
		);
	}
	return (await submit(page, { email }, /action="([^"]+\/development)"/)).body;
}
