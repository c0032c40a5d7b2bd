/** cosign 3 signs in by each of its flows, and verifies what it signed. */
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectBundleOf, issuerOf } from './certified.ts';
import { Desk, programOf } from './desk.ts';
import { signInAt, signInDevice, signInForCode } from './our-pages.ts';

const cosign = programOf('cosign 3') ?? '';

describe.skipIf(cosign === '')('cosign 3', () => {
	let desk: Desk;
	beforeAll(async () => {
		desk = await Desk.open();
		await writeFile(desk.file('artifact'), 'what somebody releases\n');
		const { urls, root } = desk.instance;
		const first = ['--root', root.path, '--root-checksum', root.sha256];
		await desk.mustRun(cosign, ['initialize', '--mirror', urls.tuf, ...first]);
	});
	afterEach(() => desk.clear());
	afterAll(() => desk?.close());

	const signing = (bundle: string, ...options: string[]) => [
		...['sign-blob', '--yes', ...options, '--bundle', bundle, 'artifact'],
	];

	async function expectSigned(bundle: string, email: string): Promise<void> {
		const issuer = issuerOf(desk.instance);
		expectBundleOf(desk.file(bundle), { email, issuer });
		const whom = ['--certificate-identity', email, '--certificate-oidc-issuer', issuer];
		const said = await desk.mustRun(cosign, ['verify-blob', '--bundle', bundle, ...whom, 'artifact']);
		expect(said).toContain('Verified OK');
	}

	it('in the browser that it opens, with PKCE', async () => {
		const running = desk.run(cosign, signing('browser.json'));
		const address = new URL(await desk.opened());
		expect(Object.fromEntries(address.searchParams)).toMatchObject({
			response_type: 'code',
			client_id: 'sigstore',
			code_challenge_method: 'S256',
			redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+\/auth\/callback$/),
		});
		const arrived = await signInAt(await desk.person(), address.href, 'alice@example.com');
		expect(arrived.split('?')[0]).toBe(address.searchParams.get('redirect_uri'));
		expect(await running.ended, running.screen).toBe(0);
		await expectSigned('browser.json', 'alice@example.com');
	});

	it('out of band, where no browser can be opened', async () => {
		const running = desk.runWithoutBrowser(cosign, signing('out-of-band.json'));
		const address = await running.read(/Go to the following link in a browser:\s+(http\S+)/);
		expect(new URL(address).searchParams.get('redirect_uri')).toBe('urn:ietf:wg:oauth:2.0:oob');
		const code = await signInForCode(await desk.person(), address, 'bob@example.com');
		await running.answer('Enter verification code:', `${code}\r`);
		expect(await running.ended, running.screen).toBe(0);
		await expectSigned('out-of-band.json', 'bob@example.com');
	});

	it('on another device', async () => {
		const running = desk.run(cosign, signing('device.json', '--fulcio-auth-flow', 'device'));
		const userCode = await running.read(/Enter the verification code (\S+) in your browser at: /);
		const address = await running.read(/(http\S+)/);
		await signInDevice(await desk.person(), { address, userCode, email: 'carol@example.com' });
		expect(await running.ended, running.screen).toBe(0);
		await expectSigned('device.json', 'carol@example.com');
	});
});
