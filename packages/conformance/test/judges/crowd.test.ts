/** A crowd at the authority while the machine has no time: whoever is not served is told when to come back. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openInstance } from './running-instance.ts';

const CROWD = 100;
const CORES = 2;
const EMAIL = 'crowd@example.com';

const instance = openInstance('instance');
const busy: Worker[] = [];

beforeAll(() => {
	for (let i = 0; i < CORES; i++) busy.push(new Worker('for (;;);', { eval: true }));
});
afterAll(() => Promise.all(busy.map((worker) => worker.terminate())));

function requestOf(version: 1 | 2, token: string): { url: string; init: RequestInit } {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
	const proof = sign('sha256', Buffer.from(EMAIL), privateKey).toString('base64');
	const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
	const body =
		version === 1
			? { publicKey: { content: Buffer.from(pem).toString('base64') }, signedEmailAddress: proof }
			: { publicKeyRequest: { publicKey: { content: pem }, proofOfPossession: proof } };
	return {
		url: `${instance.urls.ca}/api/v${version}/signingCert`,
		init: { method: 'POST', headers, body: JSON.stringify(body) },
	};
}

it.each([1, 2] as const)('on the v%i wire', async (version) => {
	const token = await instance.token(EMAIL);
	const refusals: { status: number; retryAfter: string | null; body: string }[] = [];
	const answered = await Promise.all(
		Array.from({ length: CROWD }, async () => {
			const { url, init } = requestOf(version, token);
			for (;;) {
				const response = await fetch(url, init);
				const body = await response.text();
				if (response.ok) return body.match(/BEGIN CERTIFICATE/g)?.length;
				const retryAfter = response.headers.get('retry-after');
				refusals.push({ status: response.status, retryAfter, body });
				if (retryAfter === null) return undefined;
				await sleep(Number(retryAfter) * 1000);
			}
		}),
	);
	expect(refusals.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) > 0))).toEqual([]);
	expect(answered).toEqual(Array(CROWD).fill(3));
});
