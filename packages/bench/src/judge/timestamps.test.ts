import { createHash, randomBytes } from 'node:crypto';
import { openAuthority } from '@chancery/tsa/domain/authority';
import { createIssuingTime } from '@chancery/tsa/domain/issuing-time';
import { issueTimestamp } from '@chancery/tsa/domain/timestamp';
import { parseTimestampQuery } from '@chancery/tsa/domain/timestamp-query';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, openssl, opensslOutput, type TestAuthority } from '../../../tsa/test/authority-fixture.ts';
import { tsaSubject } from '../load/tsa-subject.ts';
import { TimestampJudge, type TimestampRequest } from './timestamps.ts';

const subjectOf = (chain: readonly Uint8Array[]) => tsaSubject({ host: '', port: 0, wire: 'tsa', chain });

let authority: TestAuthority;
let judge: TimestampJudge;
let request: TimestampRequest;
let answer: Buffer;
beforeAll(async () => {
	authority = await makeAuthority();
	const chain = [authority.chain.leaf, authority.chain.root];
	judge = new TimestampJudge(chain);
	request = subjectOf(chain).make('timestamp') as TimestampRequest;
	answer = await issue(request.body);
});

async function issue(query: Uint8Array): Promise<Buffer> {
	const issued = await issueTimestamp(
		{
			authority: openAuthority({ chainPem: authority.chain.chainPem, signer: authority.signer }),
			time: createIssuingTime(Date.now, 1),
			random: (length) => new Uint8Array(randomBytes(length)),
			policyOids: ['1.2.3'],
			accuracySeconds: 1,
		},
		parseTimestampQuery(query),
	);
	return Buffer.from(issued);
}

describe('the judge of timestamps', () => {
	it('is sent what openssl reads as a request', () => {
		const said = openssl(['ts', '-query', '-in', 'q.tsq', '-text'], { 'q.tsq': request.body });
		expect(said).toContain('Hash Algorithm: sha256');
		expect(said).toContain('Certificate required: yes');
	});

	it('accepts the right one, with its serial number', () => {
		const verdict = judge.judge(request, answer);
		const said = openssl(['ts', '-reply', '-in', 'r.tsr', '-text'], { 'r.tsr': answer });
		const serial = /Serial number: 0x([0-9A-F]+)/.exec(said)?.[1]?.toLowerCase();
		expect(verdict).toEqual({ serial });
	});

	it('accepts one that openssl asked for', async () => {
		const data = 'some data';
		const query = opensslOutput(['ts', '-query', '-data', 'd', '-sha256', '-cert'], { d: data });
		const nonce = /02 ?0[89]/;
		expect(Buffer.from(query).toString('hex')).toMatch(nonce);
		const { nonce: encoded } = parseTimestampQuery(query);
		const asked = {
			body: query,
			digest: createHash('sha256').update(data).digest(),
			nonce: Buffer.from(encoded!.subarray(2)),
		};
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
		const other = await makeAuthority();
		const verdict = new TimestampJudge([other.chain.leaf]).judge(request, answer);
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
		const subject = subjectOf([authority.chain.leaf, authority.chain.root]);
		expect(subject.judge(request, answer)).toEqual([]);
		expect(subject.judge(request, answer)).toEqual([expect.stringContaining('given out twice')]);
	});
});
