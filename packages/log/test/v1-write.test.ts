import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { parseCheckpoint } from '@chancery/core/checkpoint';
import { hashLeaf, rootOf } from '@chancery/core/merkle';
import { parseNote } from '@chancery/core/note';
import { checkInclusion } from '@chancery/core/proof';
import type { LogEntryContent } from '@chancery/wire/rekor-v1';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateOf } from './certificates.ts';
import { HOSTNAME, type LogUnderTest, startLog, TREE_ID } from './log-under-test.ts';
import { dsse, hashedrekord, newKey } from './proposals.ts';

let log: LogUnderTest;
const key = newKey();

beforeAll(async () => {
	log = await startLog();
});
afterAll(() => log.close());

const post = (payload: object, to = log) => to.v1.inject({ method: 'POST', url: '/api/v1/log/entries', payload });

async function byIndex(index: number): Promise<LogEntryContent> {
	const reply = await log.v1.inject({ url: `/api/v1/log/entries?logIndex=${index}` });
	return Object.values<LogEntryContent>(reply.json())[0]!;
}

/** Judges an answer with node:crypto and a tree built from what the log itself serves. */
async function judge(entryId: string, entry: LogEntryContent): Promise<void> {
	const publicKey = createPublicKey({ key: Buffer.from(log.v1Signer.publicKey), format: 'der', type: 'spki' });
	const leaf = Buffer.from(entry.body, 'base64');
	const leafHash = hashLeaf(leaf);
	expect(entryId).toBe(`${BigInt(TREE_ID).toString(16)}${Buffer.from(leafHash).toString('hex')}`);

	const { body, integratedTime, logID, logIndex } = entry;
	const set = Buffer.from(entry.verification.signedEntryTimestamp, 'base64');
	const signed = `{"body":"${body}","integratedTime":${integratedTime},"logID":"${logID}","logIndex":${logIndex}}`;
	expect(verify('sha256', Buffer.from(signed), publicKey, set)).toBe(true);

	const { inclusionProof: proof } = entry.verification;
	const { text, signatures } = parseNote(proof.checkpoint);
	expect(signatures).toHaveLength(1);
	expect(signatures[0]).toMatchObject({ name: HOSTNAME });
	expect(Buffer.from(signatures[0]!.keyHash).toString('hex')).toBe(logID.slice(0, 8));
	expect(verify('sha256', Buffer.from(text), publicKey, signatures[0]!.signature)).toBe(true);

	const checkpoint = parseCheckpoint(text);
	expect(checkpoint.origin).toBe(`${HOSTNAME} - ${TREE_ID}`);
	expect(checkpoint.size).toBe(proof.treeSize);
	expect(Buffer.from(checkpoint.root).toString('hex')).toBe(proof.rootHash);
	checkInclusion({
		index: proof.logIndex,
		size: proof.treeSize,
		leafHash,
		root: checkpoint.root,
		proof: proof.hashes.map((hash) => Uint8Array.fromHex(hash)),
	});

	const leaves = await Promise.all(Array.from({ length: proof.treeSize }, (_, index) => byIndex(index)));
	expect(rootOf(leaves.map(({ body }) => hashLeaf(Buffer.from(body, 'base64'))))).toEqual(checkpoint.root);
}

describe('a new v1 log', () => {
	it('begins with one entry that can be read and verified', async () => {
		const info = (await log.v1.inject({ url: '/api/v1/log' })).json();
		expect(info).toMatchObject({ treeSize: 1, treeID: TREE_ID, inactiveShards: [] });
		const [[entryId, entry]] = Object.entries<LogEntryContent>(
			(await log.v1.inject({ url: '/api/v1/log/entries?logIndex=0' })).json(),
		) as [[string, LogEntryContent]];
		await judge(entryId, entry);
		expect(JSON.parse(Buffer.from(entry.body, 'base64').toString())).toMatchObject({ kind: 'hashedrekord' });
	});

	it('is not seeded a second time after a restart', async () => {
		log = await log.restart();
		expect((await log.v1.inject({ url: '/api/v1/log' })).json()).toMatchObject({ treeSize: 1 });
	});
});

describe('POST /api/v1/log/entries', () => {
	it.each([
		['hashedrekord', () => hashedrekord('a file', key)],
		['dsse', () => dsse({ subject: [{ digest: { sha256: 'ab'.repeat(32) } }] }, key)],
	])('logs %s and answers 201 with everything a client verifies', async (kind, propose) => {
		const reply = await post(propose());
		expect(reply.statusCode).toBe(201);
		expect(reply.headers['content-type']).toBe('application/json');
		expect(reply.headers['x-chancery-duplicate']).toBeUndefined();
		const [[entryId, entry]] = Object.entries<LogEntryContent>(reply.json()) as [[string, LogEntryContent]];
		expect(reply.headers.etag).toBe(entryId);
		expect(reply.headers.location).toBe(`/api/v1/log/entries/${entryId}`);
		expect(entry.integratedTime).toBe(Math.floor(log.clock.now / 1000));
		expect(JSON.parse(Buffer.from(entry.body, 'base64').toString()).kind).toBe(kind);
		expect(Object.keys(entry)).toEqual(['body', 'integratedTime', 'logID', 'logIndex', 'verification']);
		await judge(entryId, entry);
	});

	it('logs what arrives together in one tree, each entry with a proof of its own', async () => {
		const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => post(hashedrekord(`together ${i}`, key))));
		const entries = replies.map((reply) => Object.entries<LogEntryContent>(reply.json())[0]!);
		expect(new Set(entries.map(([, entry]) => entry.logIndex)).size).toBe(20);
		for (const [entryId, entry] of entries) await judge(entryId, entry);
	});

	it('answers a repeat with the stored entry and a proof of today', async () => {
		const proposal = hashedrekord('repeated', key);
		const first = await post(proposal);
		await post(hashedrekord('in between', key));
		log.clock.now += 90_000;
		const again = await post(proposal);

		expect(again.statusCode).toBe(201);
		expect(again.headers['x-chancery-duplicate']).toBe('true');
		expect(again.headers.etag).toBe(first.headers.etag);
		expect(again.headers.location).toBe(first.headers.location);
		const [before, after] = [first, again].map((reply) => Object.values<LogEntryContent>(reply.json())[0]!) as [
			LogEntryContent,
			LogEntryContent,
		];
		const { verification: oldVerification, ...stored } = before;
		expect(after).toMatchObject(stored);
		expect(after.verification.signedEntryTimestamp).toBe(oldVerification.signedEntryTimestamp);
		expect(after.verification.inclusionProof.treeSize).toBeGreaterThan(oldVerification.inclusionProof.treeSize);
		await judge(again.headers.etag as string, after);
	});

	it('takes a chain signed by RSA-PSS, and its repeat', async () => {
		const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
		const pss = ['rsa_padding_mode:pss', 'rsa_pss_saltlen:digest'].flatMap((option) => ['-sigopt', option]);
		const proposal = hashedrekord(
			'chain',
			rsa,
			certificateOf(rsa, 'basicConstraints=critical,CA:true', ...pss).repeat(2),
		);
		const [first, again] = [await post(proposal), await post(proposal)];
		expect([first.statusCode, again.statusCode]).toEqual([201, 201]);
		expect(again.headers['x-chancery-duplicate']).toBe('true');
		expect(again.headers.etag).toBe(first.headers.etag);
	});

	it('keeps entries, SETs and repeats over a restart', async () => {
		const proposal = hashedrekord('before the restart', key);
		const first = Object.values<LogEntryContent>((await post(proposal)).json())[0]!;
		log = await log.restart();
		const again = await post(proposal);
		expect(again.headers['x-chancery-duplicate']).toBe('true');
		expect(Object.values<LogEntryContent>(again.json())[0]).toMatchObject({
			logIndex: first.logIndex,
			integratedTime: first.integratedTime,
			verification: { signedEntryTimestamp: first.verification.signedEntryTimestamp },
		});
	});

	it('refuses a repeat where the operator wants that, and the entry can be read at once', async () => {
		log = await log.restart({ duplicateStatus: 409 });
		const proposal = hashedrekord('strict', key);
		const entryId = (await post(proposal)).headers.etag as string;
		const again = await post(proposal);
		expect(again.statusCode).toBe(409);
		expect(again.headers.location).toBe(`/api/v1/log/entries/${entryId}`);
		expect(again.json()).toMatchObject({
			code: 409,
			message: `an equivalent entry already exists in the transparency log with UUID ${entryId}`,
			reason: 'duplicate-entry',
		});
		const found = await log.v1.inject({ url: again.headers.location as string });
		expect(Object.keys(found.json())).toEqual([entryId]);
		log = await log.restart();
	});
});
