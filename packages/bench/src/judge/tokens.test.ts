import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identitySubject, type TokenRequest } from '../load/identity-subject.ts';
import type { IdentityTarget } from '../load/messages.ts';
import { TOKEN_WORKLOADS, type TokenWorkload } from '../load/workloads.ts';
import { IdentityInstance } from '../server/identity-instance.ts';
import type { ServerUnderTest } from '../server/server-under-test.ts';
import { type PublishedKey, TokenJudge } from './tokens.ts';

/** As the benchmark runs it: the service and its database in processes of their own. */
let folder: string;
let instance: IdentityInstance;
let server: ServerUnderTest;
let target: IdentityTarget;
let judge: TokenJudge;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-judge-'));
	// For root: the user the database runs as has to pass.
	await chmod(folder, 0o711);
	instance = await IdentityInstance.create(join(folder, 'identity'));
	server = await instance.start('error');
	target = server.target('identity') as IdentityTarget;
	judge = new TokenJudge((await (await fetch(urlOf(target.keysPath))).json()) as { keys: PublishedKey[] });
});
afterAll(async () => {
	await server.stop();
	await instance.close();
	await rm(folder, { recursive: true });
});

const urlOf = (path: string) => `http://${target.host}:${target.port}${path}`;

async function send({ body }: TokenRequest): Promise<Buffer> {
	const headers = { 'content-type': 'application/x-www-form-urlencoded' };
	const response = await fetch(urlOf(target.tokenPath), { method: 'POST', headers, body });
	expect(response.status).toBe(200);
	return Buffer.from(await response.arrayBuffer());
}

/** A request and its answer. */
async function ask(workload: TokenWorkload): Promise<[TokenRequest, Buffer]> {
	const request = await identitySubject(target).make(workload);
	return [request, await send(request)];
}

describe('the judge of tokens', () => {
	it.each(TOKEN_WORKLOADS)('accepts right answers to %s, and none twice', async (workload) => {
		const subject = identitySubject(target);
		await subject.open();
		for (let i = 0; i < 3; i++) {
			const request = await subject.make(workload);
			const answer = await send(request);
			expect(subject.judge(request, answer)).toEqual([]);
			expect(subject.judge(request, answer)).toEqual(['one token was issued twice']);
		}
	});

	it('finds every exchange and every token of a machine client in the database', async () => {
		const before = await instance.countStored();
		for (const workload of TOKEN_WORKLOADS) await ask(workload);
		expect((await instance.countStored()) - before).toBe(2);
	});

	it.each<{ name: string; change: Partial<TokenRequest['expected']> }>([
		{ name: 'of another issuer', change: { issuer: 'https://other.example' } },
		{ name: 'for another client', change: { audience: 'other' } },
		{ name: 'about somebody else', change: { email: 'eve@example.com' } },
		{ name: 'about another user', change: { userId: 'eve' } },
		{ name: 'of another connector', change: { connectorId: 'other' } },
		{ name: 'of another type', change: { issuedTokenType: 'urn:ietf:params:oauth:token-type:jwt' } },
		{ name: 'that are not there', change: { members: ['id_token'] } },
	])('complains of tokens $name', async ({ change }) => {
		const [{ expected }, answer] = await ask('exchange');
		expect(judge.judge(expected, answer)).toHaveProperty('tokens');
		expect(judge.judge({ ...expected, ...change }, answer)).toBeTypeOf('string');
	});

	it('complains of answers that are none, and of keys that are not published', async () => {
		const [{ expected }, answer] = await ask('exchange');
		expect(judge.judge(expected, Buffer.from('<html>'))).toMatch(/cannot be read/);
		expect(new TokenJudge({ keys: [] }).judge(expected, answer)).toMatch(/not published/);
	});

	it('complains of every change of one byte', async () => {
		const [{ expected }, answer] = await ask('exchange');
		const { access_token: token, ...rest } = JSON.parse(answer.toString());
		const withToken = (changed: string) => Buffer.from(JSON.stringify({ ...rest, access_token: changed }));
		const parts: Buffer[] = token.split('.').map((part: string) => Buffer.from(part, 'base64url'));
		for (const [part, bytes] of parts.entries())
			for (let at = 0; at < bytes.length; at += 7) {
				const bad = Buffer.from(bytes);
				bad[at]! ^= 0x04;
				const changed = parts.map((one, i) => (i === part ? bad : one).toString('base64url')).join('.');
				expect(judge.judge(expected, withToken(changed)), `part ${part}, byte ${at}`).toBeTypeOf('string');
			}
		expect(judge.judge(expected, withToken(`${token}.`))).toMatch(/no JWT/);
		const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
		expect(judge.judge(expected, withToken(`${unsigned}.${token.split('.')[1]}.`))).toMatch(/algorithm/);
	});
});
