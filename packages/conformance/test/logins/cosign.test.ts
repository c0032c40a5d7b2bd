/** cosign 3 signs in by each of its flows, and verifies what it signed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { issuerOf } from './certified.ts';
import { CosignSigner } from './cosign-signer.ts';
import { Desk, programOf } from './desk.ts';
import { signInAt, signInDevice, signInForCode } from './our-pages.ts';

const program = programOf('cosign 3') ?? '';

describe.skipIf(program === '')('cosign 3', () => {
	let desk: Desk;
	let cosign: CosignSigner;
	beforeAll(async () => {
		desk = await Desk.open();
		cosign = await CosignSigner.open(desk, program);
	});
	afterEach(() => desk.clear());
	afterAll(() => desk?.close());

	it('in the browser that it opens, with PKCE', async () => {
		const running = cosign.sign('browser.json');
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
		await cosign.expectSigned('browser.json', { email: 'alice@example.com', issuer: issuerOf(desk.instance) });
	});

	it('out of band, where no browser can be opened', async () => {
		const running = cosign.signWithoutBrowser('out-of-band.json');
		const address = await running.read(/Go to the following link in a browser:\s+(http\S+)/);
		expect(new URL(address).searchParams.get('redirect_uri')).toBe('urn:ietf:wg:oauth:2.0:oob');
		const code = await signInForCode(await desk.person(), address, 'bob@example.com');
		await running.answer('Enter verification code:', `${code}\r`);
		expect(await running.ended, running.screen).toBe(0);
		await cosign.expectSigned('out-of-band.json', { email: 'bob@example.com', issuer: issuerOf(desk.instance) });
	});

	it('on another device', async () => {
		const running = cosign.sign('device.json', '--fulcio-auth-flow', 'device');
		const userCode = await running.read(/Enter the verification code (\S+) in your browser at: /);
		const address = await running.read(/(http\S+)/);
		await signInDevice(await desk.person(), { address, userCode, email: 'carol@example.com' });
		expect(await running.ended, running.screen).toBe(0);
		await cosign.expectSigned('device.json', { email: 'carol@example.com', issuer: issuerOf(desk.instance) });
	});
});
