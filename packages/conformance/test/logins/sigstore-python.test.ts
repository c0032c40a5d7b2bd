/** sigstore-python signs in with a browser and out of band, and verifies what it signed. It presents the access token. */
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectBundleOf, issuerOf } from './certified.ts';
import { Desk, programOf } from './desk.ts';
import { signInAt, signInForCode } from './our-pages.ts';

const sigstore = programOf('sigstore-python') ?? '';

describe.skipIf(sigstore === '')('sigstore-python', () => {
	let desk: Desk;
	beforeAll(async () => {
		desk = await Desk.open();
		await writeFile(desk.file('artifact'), 'what somebody releases\n');
		const { urls, root } = desk.instance;
		await desk.mustRun(sigstore, ['--instance', urls.tuf, 'trust-instance', root.path]);
	});
	afterEach(() => desk.clear());
	afterAll(() => desk?.close());

	const at = () => ['--instance', desk.instance.urls.tuf];

	async function expectSigned(bundle: string, email: string): Promise<void> {
		const issuer = issuerOf(desk.instance);
		expectBundleOf(desk.file(bundle), { email, issuer });
		const whom = ['--cert-identity', email, '--cert-oidc-issuer', issuer];
		const said = await desk.mustRun(sigstore, [...at(), 'verify', 'identity', ...whom, '--bundle', bundle, 'artifact']);
		expect(said).toContain('OK: artifact');
	}

	it('in the browser that it opens at a page of its own', async () => {
		const running = desk.run(sigstore, [...at(), 'sign', '--bundle', 'browser.json', 'artifact']);
		const address = await desk.opened();
		expect(address).toMatch(/^http:\/\/localhost:\d+\/?$/);
		const arrived = await signInAt(await desk.person(), address, 'alice@example.com');
		expect(arrived.split('?')[0]).toBe(`${new URL(address).origin}/auth/callback`);
		expect(await running.ended, running.screen).toBe(0);
		await expectSigned('browser.json', 'alice@example.com');
	});

	it('out of band, where it is told to', async () => {
		const options = ['--oauth-force-oob', '--bundle', 'out-of-band.json'];
		const running = desk.run(sigstore, [...at(), 'sign', ...options, 'artifact']);
		const address = await running.read(/Go to the following link in a browser:\s+(http\S+)/);
		expect(new URL(address).searchParams.get('redirect_uri')).toBe('urn:ietf:wg:oauth:2.0:oob');
		const code = await signInForCode(await desk.person(), address, 'bob@example.com');
		await running.answer('Enter verification code:', `${code}\r`);
		expect(await running.ended, running.screen).toBe(0);
		await expectSigned('out-of-band.json', 'bob@example.com');
	});
});
