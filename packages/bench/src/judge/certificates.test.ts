import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caSubject } from '../load/ca-subject.ts';
import type { CaTarget } from '../load/messages.ts';
import type { Subject } from '../load/subject.ts';
import { CaInstance } from '../server/ca-instance.ts';
import type { ServerUnderTest } from '../server/server-under-test.ts';
import { CertificateJudge, type CertificateRequest } from './certificates.ts';

/** As the benchmark runs it: authority, CT log and database in processes of their own. */
let folder: string;
let instance: CaInstance;
let server: ServerUnderTest;
let target: CaTarget;
let subject: Subject<CertificateRequest>;
let judge: CertificateJudge;
let request: CertificateRequest;
let answer: Buffer;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-judge-'));
	// For root: the user the database runs as has to pass.
	await chmod(folder, 0o711);
	instance = await CaInstance.create(join(folder, 'ca'), 'error');
	server = await instance.start('error');
	target = server.target('ca') as CaTarget;
	subject = caSubject(target);
	judge = judgeOf();
	request = subject.make('certificate');
	answer = await certify(request);
});
afterAll(async () => {
	await server.stop();
	await instance.close();
	await rm(folder, { recursive: true });
});

function judgeOf(ctLogKey = target.ctLog.publicKey): CertificateJudge {
	return new CertificateJudge({ chain: target.chain, ctLogKey });
}

async function certify({ body }: CertificateRequest): Promise<Buffer> {
	const response = await fetch(`http://${target.host}:${target.port}${subject.path}`, { method: 'POST', body });
	expect(response.status).toBe(200);
	return Buffer.from(await response.arrayBuffer());
}

/** The answer with another chain. */
function withPems(change: (leaf: string, ...issuers: string[]) => string[]): Buffer {
	const { chain } = JSON.parse(answer.toString()).signedCertificateEmbeddedSct;
	const certificates = change(...(chain.certificates as [string]));
	return Buffer.from(JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } }));
}

const newKey = () =>
	generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });

describe('the judge of certificates', () => {
	it('accepts the right ones, and finds them in the CT log', async () => {
		expect(subject.judge(request, answer)).toEqual([]);
		const more = Array.from({ length: 5 }, () => subject.make('certificate'));
		for (const one of more) expect(subject.judge(one, await certify(one))).toEqual([]);
		expect(await subject.settle()).toEqual({ history: 'all in the CT log', complaints: [] });
		expect(await instance.countStored()).toBe(6);
	});

	it('misses one that is not in the CT log', async () => {
		const later = caSubject(target);
		await later.settle();
		// It has read the log already, and takes this for a new one.
		expect(later.judge(request, answer)).toEqual([]);
		expect((await later.settle()).complaints).toEqual(['1 certificates are not in the CT log']);
	});

	it.each<{ name: string; judged: () => Parameters<CertificateJudge['judge']> }>([
		{ name: 'for somebody else', judged: () => [{ ...request, email: 'eve@example.com' }, answer] },
		{ name: 'for another key', judged: () => [{ ...request, spki: newKey() }, answer] },
		{ name: 'without issuers', judged: () => [request, withPems((leaf) => [leaf])] },
		{ name: 'under other issuers', judged: () => [request, withPems((leaf, _, root) => [leaf, root!])] },
		{
			name: 'that is the issuing one',
			judged: () => [request, withPems((_, ...issuers) => [issuers[0]!, ...issuers])],
		},
		{ name: 'with a detached timestamp', judged: () => [request, Buffer.from('{"signedCertificateDetachedSct":{}}')] },
		{ name: 'that is none', judged: () => [request, Buffer.from('<html>')] },
	])('complains of one $name', ({ judged }) => {
		expect(judge.judge(...judged())).toBeTypeOf('string');
	});

	it('complains when the timestamp is of another CT log', () => {
		expect(judgeOf(newKey()).judge(request, answer)).toMatch(/another CT log/);
	});

	it('complains of every change of one byte', () => {
		const [first] = JSON.parse(answer.toString()).signedCertificateEmbeddedSct.chain.certificates;
		const good = new X509Certificate(first).raw;
		for (let at = 0; at < good.length; at += 7) {
			const bad = Buffer.from(good);
			bad[at]! ^= 0x04;
			const pem = `-----BEGIN CERTIFICATE-----\n${bad.toString('base64')}\n-----END CERTIFICATE-----`;
			expect(
				judge.judge(
					request,
					withPems((_, ...issuers) => [pem, ...issuers]),
				),
				`byte ${at}`,
			).toBeTypeOf('string');
		}
	});
});
