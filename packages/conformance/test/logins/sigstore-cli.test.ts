/**
 * npm's `@sigstore/cli` signs in with a browser, and verifies what it signed: with a timestamp and no log entry, because its
 * entries are of the kind intoto, which an instance logs only where its configuration says so.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { statementAbout } from '../clients/client.ts';
import { expectBundleOf, issuerOf } from './certified.ts';
import { Desk, programOf } from './desk.ts';
import { signInAt } from './our-pages.ts';

const sigstore = programOf('sigstore-cli') ?? '';

describe.skipIf(sigstore === '')('@sigstore/cli', () => {
	let desk: Desk;
	beforeAll(async () => {
		desk = await Desk.open();
		await writeFile(desk.file('statement'), statementAbout('artifact', Buffer.from('what somebody releases\n')));
		await mkdir(desk.file('tuf'));
	});
	afterEach(() => desk.clear());
	afterAll(() => desk?.close());

	it('in the browser that it opens', async () => {
		const { urls, root, oidcIssuer } = desk.instance;
		const services = ['--fulcio-url', urls.ca, '--no-tlog-upload', '--tsa-server-url', urls.tsa];
		const signing = ['attest', ...services, '--oidc-issuer', oidcIssuer, '--output-file', 'bundle.json', 'statement'];
		const running = desk.run(sigstore, signing);
		const address = new URL(await desk.opened());
		// Neither a path nor a slash at the end.
		expect(address.searchParams.get('redirect_uri')).toMatch(/^http:\/\/localhost:\d+$/);
		const arrived = await signInAt(await desk.person(), address.href, 'alice@example.com');
		expect(new URL(arrived).origin).toBe(address.searchParams.get('redirect_uri'));
		expect(await running.ended, running.screen).toBe(0);

		const [email, issuer] = ['alice@example.com', issuerOf(desk.instance)];
		expectBundleOf(desk.file('bundle.json'), { email, issuer });
		const whom = ['--certificate-identity-email', email, '--certificate-issuer', issuer, '--tlog-threshold', '0'];
		const trust = ['--tuf-mirror-url', urls.tuf, '--tuf-root-path', root.path, '--tuf-cache-path', desk.file('tuf')];
		expect(await desk.mustRun(sigstore, ['verify', ...whom, ...trust, 'bundle.json'])).toContain(
			'Verification succeeded',
		);
	});
});
