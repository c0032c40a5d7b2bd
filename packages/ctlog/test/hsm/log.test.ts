/** A CT log whose key is in SoftHSM: many SCTs at a time, and a token that goes away. */
import { openSigner } from '@chancery/keys/open-signer';
import { TestToken } from '@chancery/testkit/softhsm';
import type { AddChainReply } from '@chancery/wire/ct';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makePrecertificate, type TestAuthority } from '../certificates.ts';
import { checkDigitallySigned, leafBytes, treeHeadBytes } from '../rfc6962.ts';
import { get, type RunningLog, register, reportOf, startLog, submit } from '../running-log.ts';

let token: TestToken;
let log: RunningLog;
let authority: TestAuthority;
beforeAll(async () => {
	token = new TestToken();
	token.makeKey('EC:prime256v1', 'ct', '01');
	authority = await makeAuthority('ours');
	log = await startLog({ signer: await openSigner(token.uri('object=ct'), { pin: token.pin }) });
	expect((await register(log, await reportOf(authority))).statusCode).toBe(201);
});
afterAll(async () => {
	await log.end();
	token.close();
});

async function expectSct(precertificate: { der: Uint8Array; tbs: Uint8Array }): Promise<number> {
	const response = await submit(log, 'add-pre-chain', [precertificate.der, authority.issuing]);
	if (response.statusCode !== 200) return response.statusCode;
	const sct = response.json<AddChainReply>();
	const entry = { issuerPublicKey: authority.issuingSigner.publicKey, tbs: precertificate.tbs };
	expect(checkDigitallySigned(token.publicKey('01'), leafBytes(sct.timestamp, entry), sct.signature)).toBe(true);
	return response.statusCode;
}

describe('a CT log with its key in a token', () => {
	it('answers 64 submissions at a time with SCTs, and signs the head over them', async () => {
		const precertificates = await Promise.all(Array.from({ length: 64 }, () => makePrecertificate(authority)));
		// A busy machine may have to refuse some; whoever comes again finds the entry.
		await Promise.all(precertificates.map((one) => expect.poll(() => expectSct(one)).toBe(200)));
		const head = (await get(log, 'get-sth')).json();
		expect(head.tree_size).toBe(64);
		const signed = treeHeadBytes(head.timestamp, 64, Buffer.from(head.sha256_root_hash, 'base64'));
		expect(checkDigitallySigned(token.publicKey('01'), signed, head.tree_head_signature)).toBe(true);
	});

	it('answers 503 while the token is away, and logs the same precertificate when it is back', async () => {
		const precertificate = await makePrecertificate(authority);
		token.remove();
		expect(await expectSct(precertificate)).toBe(503);
		token.insert();
		const deadline = performance.now() + 20_000;
		let status = 503;
		while (status !== 200 && performance.now() < deadline) status = await expectSct(precertificate);
		expect(status).toBe(200);
		expect((await get(log, 'get-sth')).json().tree_size).toBe(65);
	});
});
