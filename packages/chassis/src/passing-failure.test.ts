import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommitUnknownError } from '@chancery/postgres/pg-errors';
import { afterEach, expect, it } from 'vitest';
import { captureLog } from '../test/captured-log.ts';
import { createListener } from './http/listener.ts';

const apps: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
	for (const app of apps.splice(0)) await app.close();
});

async function answerTo(fail: () => unknown) {
	const app = createListener({
		name: 'public',
		logger: captureLog().logger,
		errors: {},
		family: 'problem',
		maxBodyBytes: 10,
	});
	apps.push(app);
	app.get('/', async () => {
		throw await fail();
	});
	return app.inject('/');
}

const system = (code: string) => Object.assign(new Error(`${code}: write`), { code, syscall: 'write' });
const database = (code: string) => Object.assign(new Error('said the server'), { code, severity: 'ERROR' });

it.each([
	['a full disk', system('ENOSPC')],
	['a used-up quota', system('EDQUOT')],
	['a disk that fails', system('EIO')],
	['a file system that became read-only', system('EROFS')],
	['no descriptor left', system('EMFILE')],
	['no descriptor left below a call', new TypeError('fetch failed', { cause: system('EMFILE') })],
	['a database whose disk is full', database('53100')],
	['a database whose disk fails', database('58030')],
	['a database without a free connection', database('53300')],
	['a database that only reads', database('25006')],
	['a database that did not answer COMMIT', new CommitUnknownError('no answer', { cause: system('ECONNRESET') })],
	['a database that answered COMMIT with a warning', new CommitUnknownError('a warning')],
])('answers %s with 503 and a time to come back', async (_what, error) => {
	const reply = await answerTo(() => error);
	expect([reply.statusCode, reply.headers['retry-after']]).toEqual([503, '1']);
	expect(reply.body).not.toContain('ENOSPC');
});

it.each([
	['a wrong name', () => readFile(join(tmpdir(), 'nothing-here')).catch((error: unknown) => error)],
	[
		'a folder in place of a file',
		async () => {
			const folder = mkdtempSync(join(tmpdir(), 'chancery-passing-'));
			const error = await readFile(folder).catch((caught: unknown) => caught);
			rmSync(folder, { recursive: true });
			return error;
		},
	],
	['a missing table', () => database('42P01')],
])('leaves %s a fault of ours', async (_what, fail) => {
	expect((await answerTo(fail)).statusCode).toBe(500);
});
