/** `chancery up --tls`: every service over TLS, from a private authority or with a certificate that was brought along. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	chancery,
	type InstanceFile,
	lastingPart,
	makePlace,
	type Place,
	readInstance,
	removePlaces,
	up,
} from './instance.ts';
import type { Run } from './run.ts';

afterAll(removePlaces);

/** Asks a service for its certificate, with openssl as a client that trusts `authority` alone. */
function judge(url: string, authority: string, ...options: string[]): string {
	const { port } = new URL(url);
	const trust = ['-CAfile', authority, '-no-CApath', '-no-CAstore', '-verify_return_error'];
	const at = ['s_client', '-connect', `localhost:${port}`, '-verify_hostname', 'localhost'];
	const { stdout, stderr } = spawnSync('openssl', [...at, ...trust, ...options], { input: '', encoding: 'utf8' });
	return stdout + stderr;
}

/** A pair for `name` below a root of its own, as a company would bring it. */
function makeCompanyFiles(folder: string, name: string): { chain: string; key: string; root: string } {
	const path = (file: string) => join(folder, `${name}-${file}`);
	const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
	const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	run('req', '-x509', ...curve, '-keyout', path('root.key'), '-out', path('root.pem'), '-subj', '/CN=Company root');
	run('req', ...curve, '-keyout', path('key.pem'), '-out', path('csr.pem'), '-subj', `/CN=${name}`);
	writeFileSync(path('ext.cnf'), `subjectAltName=DNS:${name}\n`);
	const by = ['-CA', path('root.pem'), '-CAkey', path('root.key'), '-CAcreateserial', '-days', '30'];
	run('x509', '-req', '-in', path('csr.pem'), ...by, '-extfile', path('ext.cnf'), '-out', path('chain.pem'));
	chmodSync(path('key.pem'), 0o600);
	return { chain: path('chain.pem'), key: path('key.pem'), root: path('root.pem') };
}

async function refusal(run: Run, code = 1): Promise<string> {
	expect({ ...(await run.ended), stdout: run.stdout }).toEqual({ code, signal: null, stdout: '' });
	expect(run.stderr).not.toMatch(/^ +at /m);
	return /^error: .*$/m.exec(run.stderr)?.[0] ?? '';
}

describe('an instance with a private authority', () => {
	let place: Place;
	let run: Run;
	let instance: InstanceFile;

	beforeAll(async () => {
		place = await makePlace();
		run = up(place, ['--tls']);
		await run.ready();
		instance = await readInstance(place);
	});

	it('has proved over TLS that it signs and verifies', () => {
		expect(run.stderr).toMatch(/self-test: .* with the v2 log/);
	});

	it('names https addresses, and the authority, for scripts and people', async () => {
		const url = (offset: number) => `https://localhost:${place.portBase + offset}`;
		expect(Object.values(instance.services).map((service) => service.url)).toEqual([1, 2, 3, 4, 5, 6, 7].map(url));
		expect(instance.oidcIssuer).toBe(`${url(1)}/auth`);
		expect(instance.tlsCa).toBe(join(place.data, 'trust', 'tls-ca.pem'));
		for (const variable of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'])
			expect(run.stdout).toMatch(new RegExp(`export ${variable}=${instance.tlsCa}\\b`));
	});

	it('signs those addresses into what clients trust, and no others', async () => {
		for (const path of [instance.trustedRoot, instance.signingConfig]) {
			const text = await readFile(path, 'utf8');
			expect(text).toContain('https://localhost:');
			expect(text).not.toContain('http://');
		}
	});

	it('shows at every service a certificate that openssl accepts with that authority and not without', async () => {
		const strange = makeCompanyFiles(place.base, 'strange').root;
		for (const { url } of Object.values(instance.services)) {
			expect(judge(url, instance.tlsCa ?? '')).toMatch(/Verification: OK[\s\S]*Verify return code: 0 \(ok\)/);
			expect(judge(url, strange)).toMatch(/self-signed certificate in certificate chain|unable to get local issuer/);
		}
	});

	it('agrees on nothing older than TLS 1.2', () => {
		const { url = '' } = instance.services.ca ?? {};
		const old = ['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'];
		expect(judge(url, instance.tlsCa ?? '', ...old)).toMatch(/alert protocol version/);
		expect(judge(url, instance.tlsCa ?? '', '-tls1_2')).toMatch(/Protocol +: TLSv1\.2/);
	});

	it('keeps its administration on loopback and its keys to itself', async () => {
		const log = (await readFile(join(place.data, 'chancery.log'), 'utf8')).trimEnd().split('\n');
		const listening = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'listening');
		const admin = listening.filter(({ listener }) => listener === 'admin').map(({ url }) => new URL(url).hostname);
		expect(new Set(admin)).toEqual(new Set(['127.0.0.1']));
		for (const key of ['tls-ca.pem', 'tls-server.pem'])
			expect((await stat(join(place.data, 'keys', key))).mode & 0o777).toBe(0o600);
	});

	it('signs people in with cookies that never leave TLS, from forms of its https origin alone', async () => {
		trustAuthorityFile(instance.tlsCa ?? '', place.data);
		const origin = new URL(instance.oidcIssuer).origin;
		const redirect = 'http://localhost:50505/auth/callback';
		const verifier = randomBytes(32).toString('base64url');
		const begin = new URL(`${instance.oidcIssuer}/auth`);
		begin.search = new URLSearchParams({
			...{ response_type: 'code', client_id: 'sigstore', scope: 'openid email', state: 's', redirect_uri: redirect },
			code_challenge: createHash('sha256').update(verifier).digest('base64url'),
			code_challenge_method: 'S256',
		}).toString();
		const cookies = new Map<string, string>();
		const visit = async (url: string | URL, init: RequestInit = {}) => {
			const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
			const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie, ...init.headers } });
			for (const line of response.headers.getSetCookie()) {
				expect(line).toMatch(/; secure; httponly$/i);
				const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
				cookies.set(name, value);
			}
			return response;
		};
		const next = (response: Response) => new URL(response.headers.get('location') ?? '', origin);

		const loginPage = next(await visit(begin));
		expect(loginPage.origin).toBe(origin);
		const action = /<form method="post" action="([^"]+)"/.exec(await (await visit(loginPage)).text())?.[1] ?? '';
		const submit = (from: string) =>
			visit(new URL(action, origin), {
				method: 'POST',
				body: new URLSearchParams({ email: 'you@example.com' }),
				headers: { origin: from },
			});
		expect((await submit(origin.replace('https', 'http'))).status).toBe(403);
		const back = next(await visit(next(await submit(origin))));
		expect(back.href).toMatch(/^http:\/\/localhost:50505\/auth\/callback\?code=/);

		const code = back.searchParams.get('code') ?? '';
		const exchange = { grant_type: 'authorization_code', client_id: 'sigstore', code, code_verifier: verifier };
		const body = new URLSearchParams({ ...exchange, redirect_uri: redirect });
		const answer = await fetch(`${instance.oidcIssuer}/token`, { method: 'POST', body });
		const { id_token: token } = (await answer.json()) as { id_token: string };
		const claims = JSON.parse(String(Buffer.from(token.split('.')[1] ?? '', 'base64url')));
		expect(claims).toMatchObject({ iss: instance.oidcIssuer, email: 'you@example.com', email_verified: true });
	});

	describe('and our command', () => {
		const email = 'you@example.com';
		const sign = async (...where: string[]) => {
			const token = chancery(place, ['token', '--data', place.data, '--email', email]);
			await token.ended;
			expect(token.stderr).toBe('');
			const how = ['--identity-token', token.stdout.trim(), '--bundle', join(place.base, 'b.json')];
			return chancery(place, ['sign-blob', ...where, ...how, instance.root.path]);
		};
		const files = () => ['--trusted-root', instance.trustedRoot, '--signing-config', instance.signingConfig];
		const initialize = (env: NodeJS.ProcessEnv, mirror = instance.services.tuf?.url ?? '') =>
			chancery(place, ['initialize', '--mirror', mirror, '--root', instance.root.path], { env });

		it('trusts the authority with --data', async () => {
			const signed = await sign('--data', place.data);
			expect({ ...(await signed.ended), stderr: signed.stderr }).toMatchObject({ code: 0 });
			const whom = ['--certificate-identity', email, '--certificate-oidc-issuer', instance.oidcIssuer];
			const verified = chancery(place, [
				...['verify-blob', '--data', place.data, ...whom],
				...['--bundle', join(place.base, 'b.json'), instance.root.path],
			]);
			expect((await verified.ended).code).toBe(0);
		});

		it.each(['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'])('trusts it when %s names it', async (variable) => {
			expect((await initialize({ [variable]: instance.tlsCa }).ended).code).toBe(0);
		});

		it('names the host, and what to do, when nobody named the authority', async () => {
			const words = /certificate of localhost:\d+ comes from no authority .*SSL_CERT_FILE/;
			expect(await refusal(initialize({}))).toMatch(words);
			expect(await refusal(await sign(...files()))).toMatch(words);
		});

		it('has no way around that', async () => {
			expect(await refusal(initialize({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }))).toMatch(/is refused; unset it/);
			const other = makeCompanyFiles(place.base, 'other').root;
			expect(await refusal(initialize({ SSL_CERT_FILE: other }))).toMatch(/comes from no authority/);
			expect(await refusal(initialize({ SSL_CERT_FILE: join(place.base, 'none') }))).toMatch(/cannot be read/);
		});
	});

	it('continues with the same authority, asked for it or not, and is not started without TLS', async () => {
		const before = await readFile(instance.tlsCa ?? '', 'utf8');
		expect(await run.stop()).toEqual({ code: 0, signal: null });
		for (const args of [[], ['--tls']]) {
			const again = up(place, [...args, '--once']);
			expect({ ...(await again.ended), stderr: again.stderr }).toMatchObject({ code: 0 });
			expect(lastingPart(await readInstance(place))).toEqual(lastingPart(instance));
			expect(await readFile(instance.tlsCa ?? '', 'utf8')).toBe(before);
		}
		expect(await refusal(up(place, ['--no-tls']))).toMatch(/was made with --tls; .*https.* so --no-tls is refused/);
	});

	it('may get another certificate, since its addresses stay', async () => {
		const { chain, key, root } = makeCompanyFiles(place.base, 'localhost');
		const company = up(place, ['--tls-cert', chain, '--tls-key', key, '--tls-ca', root]);
		await company.ready();
		const { url } = (await readInstance(place)).services.tuf ?? { url: '' };
		expect(judge(url, root)).toMatch(/Verify return code: 0 \(ok\)/);
		expect(await readFile(join(place.data, 'trust', 'tls-ca.pem'), 'utf8')).toBe(await readFile(root, 'utf8'));
		await company.stop();
		const back = up(place, ['--once']);
		expect({ ...(await back.ended), stderr: back.stderr }).toMatchObject({ code: 0 });
	});
});

describe('an instance that was made without TLS', () => {
	it('is not started with it', async () => {
		const place = await makePlace();
		expect((await up(place, ['--once']).ended).code).toBe(0);
		expect(await refusal(up(place, ['--tls']))).toMatch(/was made without --tls; .*http .* so --tls is refused/);
		expect((await up(place, ['--no-tls', '--once']).ended).code).toBe(0);
	});
});

describe('a certificate of the user', () => {
	it.each<[string, (files: ReturnType<typeof makeCompanyFiles>, place: Place) => string[], RegExp]>([
		[
			'for another name',
			({ chain, key }) => ['--tls-cert', chain, '--tls-key', key],
			/is for DNS:.* and not for localhost/,
		],
		[
			'with the key of another',
			({ chain }, { base }) => ['--tls-cert', chain, '--tls-key', makeCompanyFiles(base, 'second').key],
			/does not belong to the certificate/,
		],
		[
			'that is not there',
			({ key }) => ['--tls-cert', '/nothing.pem', '--tls-key', key],
			/nothing\.pem cannot be read \(ENOENT\)/,
		],
	])('%s is refused in one line', async (_, args, words) => {
		const place = await makePlace();
		const files = makeCompanyFiles(place.base, 'host.example');
		expect(await refusal(up(place, args(files, place)))).toMatch(words);
		// Nothing is decided yet for a folder that somebody may want otherwise.
		expect(await readdir(place.base)).not.toContain('data');
	});

	it('below a root that nobody named is not believed by the instance itself', async () => {
		const place = await makePlace();
		const { chain, key } = makeCompanyFiles(place.base, 'localhost');
		const run = up(place, ['--tls-cert', chain, '--tls-key', key]);
		expect(await refusal(run)).toMatch(
			/certificate of localhost:\d+ comes from no authority .* SSL_CERT_FILE, or in --tls-ca$/,
		);
	});

	it('may have a key that a passphrase locks, from a file that the folder remembers', async () => {
		const place = await makePlace();
		const { chain, key, root } = makeCompanyFiles(place.base, 'localhost');
		const [locked, passphrase] = [join(place.base, 'locked.pem'), join(place.base, 'passphrase')];
		writeFileSync(passphrase, 'open sesame\n', { mode: 0o600 });
		execFileSync('openssl', ['pkcs8', '-topk8', '-in', key, '-out', locked, '-passout', `file:${passphrase}`]);
		chmodSync(locked, 0o600);
		const pair = ['--tls-cert', chain, '--tls-key', locked, '--tls-ca', root];
		expect(await refusal(up(place, pair))).toMatch(
			/locked\.pem is encrypted, and nothing says where its passphrase is/,
		);
		const nowhere = ['--tls-key-passphrase', join(place.base, 'nowhere')];
		expect(await refusal(up(place, [...pair, ...nowhere]))).toMatch(
			/--tls-key-passphrase: the file .*nowhere cannot be/,
		);
		expect((await up(place, [...pair, '--tls-key-passphrase', passphrase, '--once']).ended).code).toBe(0);
		expect((await up(place, ['--once']).ended).code).toBe(0);
		for (const file of ['chancery.json', 'chancery.log'])
			expect(await readFile(join(place.data, file), 'utf8')).not.toContain('open sesame');
	});

	it.each([
		['half a pair', ['--tls-cert', 'a.pem'], /--tls-cert and --tls-key are given together/],
		['a root alone', ['--tls-ca', 'a.pem'], /--tls-cert and --tls-key are given together/],
		['a pair that is not wanted', ['--no-tls', '--tls-cert', 'a', '--tls-key', 'b'], /exclude each other/],
	])('as %s is wrong usage', async (_, args, words) => {
		const place = await makePlace();
		expect(await refusal(chancery(place, ['up', '--data', place.data, ...args]), 2)).toMatch(words);
	});
});
