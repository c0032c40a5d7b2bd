/** gitsign signs a commit of git with a login in a browser, and verifies it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openInstance } from '../judges/running-instance.ts';
import { expectCertificateOf, issuerOf } from './certified.ts';
import { Desk, programOf } from './desk.ts';
import { signInAt } from './our-pages.ts';

const gitsign = programOf('gitsign') ?? '';

describe.skipIf(gitsign === '')('gitsign', () => {
	let desk: Desk;
	beforeAll(async () => {
		desk = await Desk.open();
		const { urls, oidcIssuer } = desk.instance;
		await writeTrust();
		await mkdir(desk.file('repository'));
		await git('init', '--quiet');
		const settings = {
			'user.name': 'Alice',
			'user.email': 'alice@example.com',
			'gpg.format': 'x509',
			'gpg.x509.program': 'gitsign',
			'gitsign.fulcio': urls.ca,
			'gitsign.fulcioRoot': desk.file('ca.pem'),
			'gitsign.rekor': urls.log,
			'gitsign.rekorMode': 'offline',
			'gitsign.issuer': oidcIssuer,
		};
		for (const [name, value] of Object.entries(settings)) await git('config', name, value);
	});
	afterEach(() => desk.clear());
	afterAll(() => desk?.close());

	/** Its keys of logs come from these, or from TUF targets of names that only the public instance has. */
	async function writeTrust(): Promise<void> {
		const instance = openInstance('instance');
		const trusted = instance.trustedRoot as TrustedRoot;
		const log = trusted.tlogs.find(({ baseUrl }) => baseUrl === instance.urls.log);
		const chain = trusted.certificateAuthorities.flatMap(({ certChain }) => certChain.certificates);
		await writeFile(desk.file('ca.pem'), chain.map(({ rawBytes }) => pemOf('CERTIFICATE', rawBytes)).join(''));
		await writeFile(desk.file('log.pem'), pemOf('PUBLIC KEY', log?.publicKey.rawBytes));
		await writeFile(desk.file('ctlog.pem'), pemOf('PUBLIC KEY', trusted.ctlogs.at(0)?.publicKey.rawBytes));
	}

	const environment = () => ({
		PATH: `${desk.file('bin')}:${dirname(gitsign)}:${process.env.PATH}`,
		SIGSTORE_REKOR_PUBLIC_KEY: desk.file('log.pem'),
		SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: desk.file('ctlog.pem'),
	});
	const git = (...args: string[]) => desk.mustRun('git', ['-C', desk.file('repository'), ...args], environment());

	it('a commit, with a login in the browser that it opens', async () => {
		const commit = ['commit', '--quiet', '--gpg-sign', '--allow-empty', '--message', 'Begin'];
		const running = desk.run('git', ['-C', desk.file('repository'), ...commit], environment());
		const address = new URL(await desk.opened());
		const arrived = await signInAt(await desk.person(), address.href, 'alice@example.com');
		expect(arrived.split('?')[0]).toBe(address.searchParams.get('redirect_uri'));
		expect(await running.ended, running.screen).toBe(0);

		const [email, issuer] = ['alice@example.com', issuerOf(desk.instance)];
		expectCertificateOf(certificateIn(await git('cat-file', 'commit', 'HEAD')), { email, issuer });
		const whom = [`--certificate-identity=${email}`, `--certificate-oidc-issuer=${issuer}`];
		const said = await desk.mustRun(
			'sh',
			['-c', `cd repository && ${gitsign} verify ${whom.join(' ')} HEAD`],
			environment(),
		);
		expect(said).toMatch(
			/Validated Git signature: true[\s\S]*Validated Rekor entry: true[\s\S]*Validated Certificate claims: true/,
		);
	});
});

interface TrustedRoot {
	readonly tlogs: readonly { readonly baseUrl: string; readonly publicKey: Raw }[];
	readonly ctlogs: readonly { readonly publicKey: Raw }[];
	readonly certificateAuthorities: readonly { readonly certChain: { readonly certificates: readonly Raw[] } }[];
}
interface Raw {
	/** Base64 of DER. */
	readonly rawBytes: string;
}

const pemOf = (label: string, base64 = ''): string =>
	`-----BEGIN ${label}-----\n${base64.replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;

/** DER of the certificate in the signature of a commit: CMS, in a header whose lines begin with a space. */
function certificateIn(commit: string): Uint8Array {
	const [, body = ''] = /-----BEGIN SIGNED MESSAGE-----([\s\S]+?)-----END SIGNED MESSAGE-----/.exec(commit) ?? [];
	using openssl = new OpensslFolder({ 'signature.der': Buffer.from(body.replaceAll(/\s/g, ''), 'base64') });
	const pem = openssl.run('pkcs7', '-inform', 'DER', '-in', 'signature.der', '-print_certs');
	openssl.write('leaf.pem', pem);
	return openssl.runForBytes('x509', '-in', 'leaf.pem', '-outform', 'DER');
}
