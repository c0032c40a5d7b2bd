/** An instance under a name of its own, and one that other machines reach. */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isLoopbackAddress } from '../../src/instance/listen-place.ts';
import { chancery, makePlace, readInstance, removePlaces, up } from './instance.ts';

afterAll(removePlaces);

/** A name that leads to loopback, and is not `localhost`; most machines have one. */
const NAME = hostname().toLowerCase();
const isNameHere =
	NAME !== 'localhost' &&
	(await lookup(NAME, { all: true }).then(
		(found) => found.every(({ address }) => isLoopbackAddress(address)),
		() => false,
	));

describe('an instance beyond loopback', () => {
	it('asks on its login page for its secret, and still signs, and says where it is administrated', async () => {
		const place = await makePlace();
		const run = up(place, ['--listen', '0.0.0.0']);
		await run.ready();
		const instance = await readInstance(place);
		expect(run.stdout).toContain('its login page asks for a secret\n  secrets.developmentToken of ');
		expect(instance.admin).toBeDefined();
		for (const [name, { url }] of Object.entries(instance.admin ?? {})) {
			expect(new URL(url).hostname).toBe('127.0.0.1');
			expect((await fetch(`${url}/healthz`)).status, name).toBe(200);
		}
		const issuer = instance.oidcIssuer;
		const page = await fetch(
			`${issuer}/auth?response_type=code&client_id=sigstore&scope=openid%20email&redirect_uri=http%3A%2F%2Flocalhost%3A1%2F&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`,
			{ redirect: 'manual' },
		);
		const cookie = page.headers
			.getSetCookie()
			.map((text) => text.split(';')[0])
			.join('; ');
		const login = await fetch(new URL(page.headers.get('location') ?? '', issuer), { headers: { cookie } });
		expect(await login.text()).toContain('name="secret" type="password" required');
		expect(await run.stop()).toEqual({ code: 0, signal: null });
	});

	it('is not made where its name does not lead', async () => {
		const place = await makePlace();
		const run = up(place, ['--host', 'no-such-host.invalid']);
		expect(await run.ended).toEqual({ code: 1, signal: null });
		expect(run.stderr).toMatch(/^error: --host no-such-host\.invalid is not known.*hosts file first\n$/);
	});
});

describe.runIf(isNameHere)('an instance with a name', () => {
	it('has it in every address and origin, keeps it, and refuses another', async () => {
		const place = await makePlace();
		const first = up(place, ['--host', NAME, '--tls', '--once']);
		expect(await first.ended, first.stderr).toEqual({ code: 0, signal: null });
		const instance = await readInstance(place);
		for (const { url } of Object.values(instance.services)) expect(new URL(url).hostname).toBe(NAME);
		const trustedRoot = JSON.parse(await readFile(instance.trustedRoot, 'utf8'));
		for (const { baseUrl } of trustedRoot.tlogs) expect(new URL(baseUrl).hostname).toBe(NAME);
		const again = up(place);
		await again.ready();
		const log2 = (await readInstance(place)).services.log2?.url as string;
		const audit = chancery(place, ['log', 'audit', '--data', place.data, '--json']);
		expect(await again.stop()).toEqual({ code: 0, signal: null });
		await audit.ended;
		expect(new URL(log2).hostname).toBe(NAME);
		const other = up(place, ['--host', 'localhost']);
		expect(await other.ended).toEqual({ code: 1, signal: null });
		expect(other.stderr).toContain(`was made for --host ${NAME}`);
		expect(await readFile(join(place.data, 'chancery.json'), 'utf8')).toContain(`"hostName": "${NAME}"`);
	});
});
