/** The authority in a process of its own with its key in SoftHSM, configured as by an operator; openssl checks it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openSigner } from '@chancery/keys/open-signer';
import { TestToken } from '@chancery/testkit/softhsm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, openssl, opensslOutput, type TestAuthority, trustFiles } from '../authority-fixture.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const PORT = 21_410;
const DATA = 'some signature';
const WRONG_PIN = '90817263';

let token: TestToken;
let authority: TestAuthority;
beforeAll(async () => {
	token = new TestToken();
	token.makeKey('EC:secp384r1', 'timestamps', '0a');
	const signer = await openSigner(token.uri('object=timestamps'), { pin: token.pin });
	authority = await makeAuthority({ signer });
});
afterAll(() => token.close());

let child: ChildProcess | undefined;
afterEach(() => {
	child?.kill('SIGKILL');
});

interface Started {
	log(): string;
	readonly exit: Promise<number | string>;
}

/** Starts `main.ts` with the PIN in a file, or in the variable that `env` contains. */
function start(pin: object, env: Record<string, string> = {}): Started {
	const config = join(token.folder, 'config.json');
	const tsa = {
		publicUrl: 'https://tsa.example.com',
		chainPem: authority.chain.chainPem,
		markFile: join(token.folder, 'tsa.mark'),
		admin: { tokens: [{ name: 'tests', role: 'operator', sha256: createHash('sha256').update('t').digest('hex') }] },
		listen: { public: { host: '127.0.0.1', port: PORT }, admin: { host: '127.0.0.1', port: PORT + 1 } },
		keys: { signer: { uri: token.uri('object=timestamps;id=%0A;type=private'), pin } },
	};
	writeFileSync(config, JSON.stringify({ tsa }));
	const started = spawn(process.execPath, [MAIN, '--config', config], {
		env: { PATH: process.env.PATH, SOFTHSM2_CONF: process.env.SOFTHSM2_CONF, ...env },
		stdio: ['ignore', 'inherit', 'pipe'],
	});
	child = started;
	let text = '';
	started.stderr.setEncoding('utf8').on('data', (chunk: string) => {
		text += chunk;
	});
	const exit = once(started, 'close').then(([code, signal]) => (code ?? signal) as number | string);
	return { log: () => text, exit };
}

function pinFile(pin: string): { file: string } {
	const file = join(token.folder, 'pin');
	writeFileSync(file, `${pin}\n`);
	chmodSync(file, 0o600);
	return { file };
}

const query = () => opensslOutput(['ts', '-query', '-data', 'd', '-sha256', '-cert'], { d: DATA });

async function post(body: Uint8Array): Promise<Response | undefined> {
	return fetch(`http://127.0.0.1:${PORT}/api/v1/timestamp`, {
		method: 'POST',
		headers: { 'content-type': 'application/timestamp-query' },
		body: Buffer.from(body),
		signal: AbortSignal.timeout(20_000),
	}).catch(() => undefined);
}

/** Returns the first answer with the wanted status, within a limited time. */
async function answerOf(status: number, body: Uint8Array): Promise<Response> {
	const deadline = performance.now() + 20_000;
	let answer = await post(body);
	while (answer?.status !== status && performance.now() < deadline) {
		await sleep(200);
		answer = await post(body);
	}
	expect(answer?.status).toBe(status);
	return answer!;
}

async function expectVerified(body: Uint8Array, answer: Response): Promise<void> {
	const files = { ...trustFiles(authority.chain), q: body, r: await answer.bytes() };
	const trust = ['-CAfile', 'root.pem', '-untrusted', 'untrusted.pem'];
	expect(openssl(['ts', '-verify', '-in', 'r', '-queryfile', 'q', ...trust], files)).toContain('Verification: OK');
}

describe('a timestamp authority whose key is in a token', () => {
	it.each<[string, () => Parameters<typeof start>]>([
		['a file', () => [pinFile(token.pin)]],
		['a variable', () => [{ env: 'TSA_PIN' }, { TSA_PIN: token.pin }]],
	])('with its PIN in %s issues what openssl verifies, and stops in order', async (_, settings) => {
		const { exit, log } = start(...settings());
		const body = query();
		await expectVerified(body, await answerOf(200, body));
		child?.kill('SIGTERM');
		expect(await exit).toBe(0);
		expect(log()).not.toContain(token.pin);
	});

	it('answers 500 while the token is away, and timestamps again when it is back', async () => {
		const { log } = start(pinFile(token.pin));
		const body = query();
		await answerOf(200, body);
		token.remove();
		try {
			const refused = await answerOf(500, body);
			expect(await refused.text()).toContain('the key did not sign');
		} finally {
			token.insert();
		}
		await expectVerified(body, await answerOf(200, body));
		expect(log()).toContain('token-missing');
		for (const secret of [token.pin, 'module-path=', token.module]) expect(log()).not.toContain(secret);
	});

	it('does not start with a wrong PIN, as after a configuration error, so that nothing starts it again', async () => {
		const { exit, log } = start(pinFile(WRONG_PIN));
		expect(await exit).toBe(78);
		expect(log()).toContain('tsa.keys.signer.pin');
		expect(log()).toContain('pin-wrong');
		for (const secret of [WRONG_PIN, 'module-path=', token.module]) expect(log()).not.toContain(secret);
	});
});
