/**
 * sigstore-java signs in with a browser. It is a library, which `LogIn.java` calls for the token; our command signs with that,
 * because the library speaks gRPC to a CA over TLS alone.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { issuerOf } from './certified.ts';
import { Desk, programOf } from './desk.ts';
import { signInAt } from './our-pages.ts';
import { expectSigningWith } from './sign-with-token.ts';

const PROGRAM = join(import.meta.dirname, 'LogIn.java');
const jars = programOf('sigstore-java') ?? '';

describe.skipIf(jars === '')('sigstore-java', () => {
	let desk: Desk;
	beforeAll(async () => {
		desk = await Desk.open();
	});
	afterEach(() => desk.clear());
	afterAll(() => desk?.close());

	it('at the address that it shows', async () => {
		const email = 'alice@example.com';
		const running = desk.run('java', ['-cp', `${jars}/*`, PROGRAM, desk.instance.oidcIssuer, 'token']);
		const address = new URL(await running.read(/Please open the following address in your browser:\s+(http\S+)/));
		const redirect = address.searchParams.get('redirect_uri');
		expect(redirect).toMatch(/^http:\/\/localhost:\d+\/Callback$/);
		const arrived = await signInAt(await desk.person(), address.href, email);
		expect(arrived.split('?')[0]).toBe(redirect);
		expect(await running.ended, running.screen).toBe(0);
		expect(running.screen).toContain(`logged in: ${email}`);

		await expectSigningWith(desk, 'token', { email, issuer: issuerOf(desk.instance) });
	});
});
