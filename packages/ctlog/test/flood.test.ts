/** What strangers can make the log do with chains of their own, and what they get when it has too much of that. */
import { generateKeyPairSync } from 'node:crypto';
import {
	derBitString,
	derBoolean,
	derContext,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derSequence,
	derTime,
} from '@chancery/core/der';
import { parseSpki } from '@chancery/core/spki';
import { commonName } from '@chancery/testkit/certificate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certificate, leafPlan, makeAuthority, makePrecertificate, type TestAuthority } from './certificates.ts';
import { type RunningLog, register, reportOf, startLog, submit, submitPatiently } from './running-log.ts';

let log: RunningLog;
let authority: TestAuthority;
beforeAll(async () => {
	authority = await makeAuthority('ours');
	// A queue that two checks on P-384 fill.
	log = await startLog({ config: { maxQueuedCheckMs: 10 } });
	expect((await register(log, await reportOf(authority))).statusCode).toBe(201);
});
afterAll(() => log.end());

const RSA_SHA256 = derSequence(derOid('1.2.840.113549.1.1.11'), derNull());

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
	let result = 1n;
	for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) if (e & 1n) result = (result * b) % modulus;
	return result;
}

function inverse(a: bigint, modulus: bigint): bigint {
	let [r0, r1, t0, t1] = [modulus, a, 0n, 1n];
	while (r1 > 0n) [r0, r1, t0, t1] = [r1, r0 % r1, t1, t0 - (r0 / r1) * t1];
	return ((t0 % modulus) + modulus) % modulus;
}

/** Signs with a small exponent what everybody else has to verify with one of 3072 bits. */
function wideRsa() {
	const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
	const jwk = privateKey.export({ format: 'jwk' });
	const [n, p, q] = [jwk.n, jwk.p, jwk.q].map((part) =>
		BigInt(`0x${Buffer.from(part!, 'base64url').toString('hex')}`),
	) as [bigint, bigint, bigint];
	const exponent = inverse(65_537n, (p - 1n) * (q - 1n));
	const spki = derSequence(
		derSequence(derOid('1.2.840.113549.1.1.1'), derNull()),
		derBitString(derSequence(derInteger(n), derInteger(exponent))),
	);
	return { spki, sign: (block: bigint) => power(block, 65_537n, n) };
}

it('refuses a chain of RSA keys with exponents as long as their moduli before one of them is used', async () => {
	const { spki, sign } = wideRsa();
	expect(() => parseSpki(spki)).toThrow(/RSA exponent of 38[34] bytes/);
	const certificates = Array.from({ length: 10 }, (_, serial) => {
		const isCa = derSequence(derOid('2.5.29.19'), derBoolean(true), derOctetString(derSequence(derBoolean(true))));
		const tbs = derSequence(
			derContext(0, {}, derInteger(2)),
			derInteger(serial + 1),
			RSA_SHA256,
			commonName('evil'),
			derSequence(derTime(new Date()), derTime(new Date(Date.now() + 600_000))),
			commonName('evil'),
			spki,
			derContext(3, {}, derSequence(isCa)),
		);
		// What stands in the block does not matter any more: nobody looks.
		const signature = sign(BigInt(serial) + 2n)
			.toString(16)
			.padStart(768, '0');
		return derSequence(tbs, RSA_SHA256, derBitString(Buffer.from(signature, 'hex')));
	});
	for (const chain of [certificates, [...certificates.slice(0, 9), authority.root]]) {
		const response = await submit(log, 'add-chain', chain);
		expect([response.statusCode, response.body]).toEqual([
			400,
			expect.stringMatching(/chain ends in CN=evil|not issued by/),
		]);
	}
});

it('says 503 with Retry-After and a reason when more checks wait than it makes, and takes submissions again', async () => {
	const impostor = await makeAuthority('ours');
	// Each costs one check under the key of our root, which is on P-384.
	const floods = await Promise.all(
		Array.from({ length: 200 }, async (_, i) => {
			const issuing = await certificate({
				...leafPlan(impostor, []),
				issuer: 'ours root',
				subject: `impostor ${i}`,
				signer: impostor.rootSigner,
				extensions: [derSequence(derOid('2.5.29.19'), derBoolean(true), derOctetString(derSequence(derBoolean(true))))],
			});
			const leaf = await certificate({ ...leafPlan(impostor, []), issuer: `impostor ${i}` });
			return [leaf, issuing];
		}),
	);
	const answers = await Promise.all(floods.map((chain) => submit(log, 'add-chain', chain)));
	const counts = new Map<number, number>();
	for (const { statusCode, headers, body } of answers) {
		counts.set(statusCode, (counts.get(statusCode) ?? 0) + 1);
		if (statusCode !== 503) continue;
		expect(headers['retry-after']).toMatch(/^[1-9][0-9]*$/);
		expect(body).toMatch(/ms of signature checks are waiting; 10 ms is the limit/);
	}
	expect([...counts.keys()].sort()).toEqual([400, 503]);
	const { der } = await makePrecertificate(authority);
	expect((await submitPatiently(log, 'add-pre-chain', [der, authority.issuing])).statusCode).toBe(200);
});
