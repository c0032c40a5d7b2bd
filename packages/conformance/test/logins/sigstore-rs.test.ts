/**
 * The requests of sigstore-rs (its `openidflow`), which is a library without a command: it listens where its caller says, asks
 * with a nonce, and gives the token endpoint its caller's id and secret by HTTP Basic, whatever the secret is. They are made
 * here as it makes them; the browser and the pages are real.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { issuerOf } from './certified.ts';
import { Desk } from './desk.ts';
import { signInAt } from './our-pages.ts';
import { expectSigningWith } from './sign-with-token.ts';

let desk: Desk;
beforeAll(async () => {
	desk = await Desk.open();
});
afterEach(() => desk.clear());
afterAll(() => desk?.close());

const random = () => randomBytes(32).toString('base64url');

interface Discovery {
	readonly authorization_endpoint: string;
	readonly token_endpoint: string;
}

/** Listens as the library does: a port, no path, and one request. */
async function listenOnce(): Promise<{ redirectUri: string; callback: Promise<URLSearchParams> }> {
	const server = createServer().listen(0, 'localhost');
	await once(server, 'listening');
	const redirectUri = `http://localhost:${(server.address() as AddressInfo).port}`;
	const callback = once(server, 'request').then((request) => {
		const [{ url = '' }, response] = request as [IncomingMessage, ServerResponse];
		response.setHeader('connection', 'close').end('<html><title>Sigstore</title><h1>Signed in</h1></html>');
		server.close();
		return new URL(url, redirectUri).searchParams;
	});
	return { redirectUri, callback };
}

it('the requests of sigstore-rs, with any secret', async () => {
	const discovery = `${desk.instance.oidcIssuer}/.well-known/openid-configuration`;
	const endpoints = (await (await fetch(discovery)).json()) as Discovery;
	const { redirectUri, callback } = await listenOnce();
	const [state, nonce, verifier] = [random(), random(), random()];
	const address = new URL(endpoints.authorization_endpoint);
	address.search = new URLSearchParams({
		response_type: 'code',
		client_id: 'sigstore',
		state,
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
		redirect_uri: redirectUri,
		scope: 'openid email',
		nonce,
	}).toString();
	const email = 'alice@example.com';
	await signInAt(await desk.person(), address.href, email);
	const returned = await callback;
	expect(returned.get('state')).toBe(state);

	const answer = await fetch(endpoints.token_endpoint, {
		method: 'POST',
		headers: { authorization: `Basic ${btoa('sigstore:some secret')}` },
		body: new URLSearchParams({
			grant_type: 'authorization_code',
			code: returned.get('code') ?? '',
			code_verifier: verifier,
			redirect_uri: redirectUri,
		}),
	});
	const { id_token: token = '' } = (await answer.json()) as { id_token?: string };
	expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ nonce });
	await writeFile(desk.file('token'), token);
	await expectSigningWith(desk, 'token', { email, issuer: issuerOf(desk.instance) });
});
