import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tsaSubject } from '../load/tsa-subject.ts';
import type { ServerUnderTest } from '../server/server-under-test.ts';
import { makeTsaFiles, startTsaServer, type TsaFiles } from '../server/tsa-instance.ts';
import { children, readTlv } from './der.ts';
import { TimestampJudge, type TimestampRequest } from './timestamps.ts';

const subjectOf = (chain: readonly Uint8Array[]) => tsaSubject({ host: '', port: 0, wire: 'tsa', chain });

let folder: string;
let files: TsaFiles;
let server: ServerUnderTest;
let judge: TimestampJudge;
let request: TimestampRequest;
let answer: Buffer;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-judge-'));
	files = await makeTsaFiles(join(folder, 'tsa'));
	server = await startTsaServer(files, 'error');
	judge = new TimestampJudge(files.chain);
	request = subjectOf(files.chain).make('timestamp') as TimestampRequest;
	answer = await issue(request.body);
});
afterAll(async () => {
	await server.stop();
	await rm(folder, { recursive: true });
});

async function issue(query: Uint8Array): Promise<Buffer> {
	const { host, port } = server.target('tsa');
	const response = await fetch(`http://${host}:${port}/api/v1/timestamp`, {
		method: 'POST',
		headers: { 'content-type': 'application/timestamp-query' },
		body: query,
	});
	return Buffer.from(await response.arrayBuffer());
}

/** What openssl writes when it reads `input`. */
async function openssl(input: Uint8Array | string, ...args: string[]): Promise<Buffer> {
	const file = join(folder, 'input');
	await writeFile(file, input);
	return execFileSync('openssl', [...args, file], { stdio: ['ignore', 'pipe', 'ignore'] });
}

describe('the judge of timestamps', () => {
	it('is sent what openssl reads as a request', async () => {
		const said = (await openssl(request.body, 'ts', '-query', '-text', '-in')).toString();
		expect(said).toContain('Hash Algorithm: sha256');
		expect(said).toContain('Certificate required: yes');
	});

	it('accepts the right one, with its serial number', async () => {
		const verdict = judge.judge(request, answer);
		const said = (await openssl(answer, 'ts', '-reply', '-text', '-in')).toString();
		const serial = /Serial number: 0x([0-9A-F]+)/.exec(said)?.[1]?.toLowerCase();
		expect(verdict).toEqual({ serial });
	});

	it('accepts one that openssl asked for', async () => {
		const data = 'some data';
		const query = await openssl(data, 'ts', '-query', '-sha256', '-cert', '-data');
		// Version, digest, nonce, whether certificates are wanted.
		const nonce = children(readTlv(query))[2]!.content;
		const asked = { body: query, digest: createHash('sha256').update(data).digest(), nonce };
		expect(judge.judge(asked, await issue(query))).toHaveProperty('serial');
	});

	it.each<{ name: string; change: () => Parameters<TimestampJudge['judge']> }>([
		{ name: 'over another digest', change: () => [{ ...request, digest: randomBytes(32) }, answer] },
		{ name: 'with another nonce', change: () => [{ ...request, nonce: randomBytes(9) }, answer] },
		{ name: 'that is cut off', change: () => [request, answer.subarray(0, -1)] },
		{ name: 'that is empty', change: () => [request, Buffer.alloc(0)] },
		{ name: 'that is no DER', change: () => [request, Buffer.from('<html>')] },
	])('complains of one $name', ({ change }) => {
		expect(judge.judge(...change())).toBeTypeOf('string');
	});

	it('complains of one by another authority', async () => {
		const other = await makeTsaFiles(join(folder, 'other'));
		const verdict = new TimestampJudge(other.chain).judge(request, answer);
		expect(verdict).toMatch(/signature|certificate/);
	});

	it('complains of every change in what is signed, and in the signature', () => {
		const signature = answer.subarray(-64);
		const start = answer.indexOf(request.digest);
		for (const at of [start, start + 31, answer.length - signature.length, answer.length - 1]) {
			const changed = Buffer.from(answer);
			changed[at]! ^= 1;
			expect(judge.judge(request, changed), `byte ${at}`).toBeTypeOf('string');
		}
	});

	it('complains of a serial number that was given out twice', () => {
		const subject = subjectOf(files.chain);
		expect(subject.judge(request, answer)).toEqual([]);
		expect(subject.judge(request, answer)).toEqual([expect.stringContaining('given out twice')]);
	});
});
