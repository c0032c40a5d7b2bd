import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { replayRequest } from './replay.ts';

const OPTIONS = { publicHost: 'id.example', clients: ['sigstore', 'a&b+c'] };

interface Sent {
	method?: string;
	url?: string;
	headers?: Record<string, string>;
	body?: string | Uint8Array;
}

function replay(sent: Sent): IncomingMessage {
	const original = new IncomingMessage(new Socket());
	original.method = sent.method ?? 'POST';
	original.url = sent.url ?? '/auth/token';
	original.headers = { host: 'somewhere.else', ...sent.headers };
	const body = typeof sent.body === 'string' ? new TextEncoder().encode(sent.body) : (sent.body ?? new Uint8Array());
	return replayRequest(original, body, OPTIONS);
}

async function bodyOf(message: IncomingMessage): Promise<string> {
	let text = '';
	for await (const chunk of message) text += chunk;
	return text;
}

const basic = (credentials: string) => ({ authorization: `Basic ${Buffer.from(credentials).toString('base64')}` });

describe('a replayed request', () => {
	it('has the configured host, no prefix, and the length of its body', async () => {
		const message = replay({
			url: '/auth/device?x=1',
			headers: { 'transfer-encoding': 'chunked' },
			body: 'user_code=A',
		});
		expect(message.url).toBe('/device?x=1');
		expect(message.headers).toEqual({ host: 'id.example', 'content-length': '11' });
		expect(await bodyOf(message)).toBe('user_code=A');
	});

	it.each([
		['sigstore:', 'sigstore'],
		['sigstore:any secret', 'sigstore'],
		['sigstore', 'sigstore'],
		['a%26b%2Bc:', 'a&b+c'],
	])('moves the public client of Basic %j into the form', async (credentials, id) => {
		const message = replay({
			headers: basic(credentials),
			body: 'grant_type=authorization_code&code=c&client_secret=s',
		});
		expect(message.headers.authorization).toBeUndefined();
		const form = new URLSearchParams(await bodyOf(message));
		expect(Object.fromEntries(form)).toEqual({ grant_type: 'authorization_code', code: 'c', client_id: id });
	});

	it('drops the secret of a public client from the form, and of no other', async () => {
		const sent = (form: string) => bodyOf(replay({ body: `grant_type=x&${form}` }));
		expect(await sent('client_id=sigstore&client_secret=s')).toBe('grant_type=x&client_id=sigstore');
		for (const form of [
			'client_id=machine&client_secret=s',
			'client_id=sigstore&client_id=machine&client_secret=s',
			'client_secret=s',
		])
			expect(await sent(form)).toBe(`grant_type=x&${form}`);
	});

	it.each([
		['an unknown client', { headers: basic('nobody:secret'), body: 'code=c' }],
		['another client in the form', { headers: basic('sigstore:'), body: 'code=c&client_id=other' }],
		['two clients in the form', { headers: basic('sigstore:'), body: 'client_id=sigstore&client_id=other' }],
		['another scheme', { headers: { authorization: 'Bearer c2lnc3RvcmU6' }, body: 'code=c' }],
		['what is no base64', { headers: { authorization: 'Basic %%%' }, body: 'code=c' }],
		['another endpoint', { url: '/auth/device/code', headers: basic('sigstore:'), body: 'scope=openid' }],
	] as [string, Sent][])('leaves %s to the library', async (_what, sent) => {
		const message = replay(sent);
		expect(message.headers.authorization).toBe(sent.headers?.authorization);
		expect(await bodyOf(message)).toBe(sent.body);
	});

	it.each([
		['GET', '/auth/auth?client_id=x', 'a=1; b=2'],
		['GET', '/auth/auth/uid', 'a=1; b=2'],
		['GET', '/auth/device', 'a=1; b=2'],
		['POST', '/auth/device', 'a=1; chancery_session=s; b=2'],
		['GET', '/auth/device/uid', 'a=1; chancery_session=s; b=2'],
	])('brings the session along only within a device flow: %s %s', (method, url, cookie) => {
		const message = replay({ method, url, headers: { cookie: 'a=1; chancery_session=s; b=2' } });
		expect(message.headers.cookie).toBe(cookie);
		const secure = replay({ method, url, headers: { cookie: 'a=1; __Secure-chancery_session=s; b=2' } });
		expect(secure.headers.cookie).toBe(cookie.replace('chancery_', '__Secure-chancery_'));
	});

	it('comes out of any bytes', async () => {
		const random = new SeededRandom(12345);
		for (let i = 0; i < 5000; i++) {
			const bytes = random.bytes(random.below(60));
			const credentials = Buffer.from(random.bytes(random.below(30))).toString('base64');
			const message = replay({
				headers: {
					authorization: `Basic ${random.below(2) ? Buffer.from('sigstore:').toString('base64') : credentials}`,
					cookie: String.fromCharCode(...bytes),
				},
				body: bytes,
			});
			await bodyOf(message);
			const path = replay({
				method: 'GET',
				url: `/auth${String.fromCharCode(...bytes)}`,
				headers: { cookie: '=;==; ;' },
			});
			expect(path.headers.cookie).toBeDefined();
		}
	});
});
