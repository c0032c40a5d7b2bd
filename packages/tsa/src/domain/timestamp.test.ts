/** Timestamps as the domain issues them, judged by openssl and by the classes of @peculiar/asn1-tsp. */

import { createHash, X509Certificate } from 'node:crypto';
import { createMetrics } from '@chancery/chassis/metrics';
import { encodePem } from '@chancery/core/pem';
import { parseTimeStampResp } from '@chancery/core/timestamp';
import { SignedData } from '@peculiar/asn1-cms';
import { AsnConvert } from '@peculiar/asn1-schema';
import { TimeStampResp, TSTInfo } from '@peculiar/asn1-tsp';
import { describe, expect, it } from 'vitest';
import {
	makeAuthority,
	openssl,
	opensslOutput,
	plainTime,
	random,
	type TestAuthority,
	trustFiles,
} from '../../test/authority-fixture.ts';
import { TSA_SERIES } from '../metrics.ts';
import { openAuthority } from './authority.ts';
import { issueTimestamp } from './timestamp.ts';
import { parseTimestampJsonQuery, parseTimestampQuery, type TimestampQuery } from './timestamp-query.ts';

const DATA = 'the bytes of a signature';
const POLICY = '1.3.6.1.4.1.57264.2';
const OTHER_POLICY = '1.2.3.4.5';

/** 12:34:56.789: the fraction must be cut off, not rounded. */
const NOW_MS = Date.now() - (Date.now() % 1000) + 789;

function depsOf({ signer, chain }: TestAuthority, clock = () => NOW_MS) {
	return {
		authority: openAuthority({ chainPem: chain.chainPem, signer }),
		time: plainTime(clock),
		random,
		policyOids: [POLICY, OTHER_POLICY],
		accuracySeconds: 1,
		metrics: createMetrics('tsa', { series: TSA_SERIES }),
	};
}

/** A request made by openssl. */
const opensslQuery = (...flags: string[]) => opensslOutput(['ts', '-query', '-data', 'data', ...flags], { data: DATA });

const jsonQuery = (hash: string) =>
	parseTimestampJsonQuery(
		new TextEncoder().encode(
			JSON.stringify({ artifactHash: createHash(hash).update(DATA).digest('base64'), hashAlgorithm: hash }),
		),
	);

const fieldsOf = (response: Uint8Array) => {
	const parsed = AsnConvert.parse(response.slice().buffer, TimeStampResp);
	const signed = AsnConvert.parse(parsed.timeStampToken!.content, SignedData);
	const info = AsnConvert.parse(signed.encapContentInfo.eContent!.single!.buffer, TSTInfo);
	return { parsed, signed, info };
};

describe('issueTimestamp', () => {
	const rows = ['-sha256', '-sha384', '-sha512'].flatMap((hash) =>
		[[], ['-cert'], ['-no_nonce'], ['-no_nonce', '-cert'], ['-cert', '-tspolicy', OTHER_POLICY]].map((flags) => [
			hash,
			...flags,
		]),
	);
	const algorithms = ['ecdsa-sha2-256-nistp256', 'ecdsa-sha2-384-nistp384'] as const;
	const cases = rows.flatMap((flags) => algorithms.map((algorithm) => ({ flags: flags.join(' '), algorithm })));

	it.each(cases)('is verified by openssl for $flags with a key of $algorithm', async ({ flags, algorithm }) => {
		const authority = await makeAuthority({ algorithm, intermediate: flags.includes('-sha384') });
		const query = opensslQuery(...flags.split(' '));
		const response = await issueTimestamp(depsOf(authority), parseTimestampQuery(query));
		const files = { ...trustFiles(authority.chain), 'q.tsq': query, 'r.tsr': response, data: DATA };
		const trust = ['-CAfile', 'root.pem', '-untrusted', 'untrusted.pem'];
		expect(openssl(['ts', '-verify', '-in', 'r.tsr', '-queryfile', 'q.tsq', ...trust], files)).toContain(
			'Verification: OK',
		);
		expect(openssl(['ts', '-verify', '-in', 'r.tsr', '-data', 'data', ...trust], files)).toContain('Verification: OK');
	});

	it.each(['sha256', 'sha384', 'sha512'])('is verified by openssl for a JSON request of %s', async (hash) => {
		const authority = await makeAuthority();
		const response = await issueTimestamp(depsOf(authority), jsonQuery(hash));
		const files = { ...trustFiles(authority.chain), 'r.tsr': response, data: DATA };
		const args = [
			'ts',
			'-verify',
			'-in',
			'r.tsr',
			'-data',
			'data',
			'-CAfile',
			'root.pem',
			'-untrusted',
			'untrusted.pem',
		];
		expect(openssl(args, files)).toContain('Verification: OK');
		expect(() => openssl(args, { ...files, data: 'other data' })).toThrow();
	});

	it('states policy, whole seconds, accuracy and a serial of 20 octets, and no ordering', async () => {
		const response = await issueTimestamp(depsOf(await makeAuthority()), parseTimestampQuery(opensslQuery('-sha256')));
		const { info, signed } = fieldsOf(response);
		expect(info.version).toBe(1);
		expect(info.policy).toBe(POLICY);
		expect(info.genTime.getTime()).toBe(NOW_MS - 789);
		expect(info.accuracy?.seconds).toBe(1);
		expect(info.ordering).toBe(false);
		expect(info.serialNumber.byteLength).toBe(20);
		expect(new Uint8Array(info.serialNumber)[0]).toBeOneOf(Array.from({ length: 127 }, (_, i) => i + 1));
		expect(signed.version).toBe(3);
		expect(signed.signerInfos).toHaveLength(1);
		const text = openssl(['ts', '-reply', '-in', 'r.tsr', '-text'], { 'r.tsr': response });
		expect(text).toMatch(/Time stamp: [^.]+ GMT\n/);
		expect(text).toContain('Accuracy: 0x01 seconds, unspecified millis, unspecified micros');
		expect(text).toContain('Ordering: no');
	});

	it('says the same thing to the reader of our own verifier', async () => {
		const authority = await makeAuthority();
		const response = parseTimeStampResp(
			await issueTimestamp(depsOf(authority), parseTimestampQuery(opensslQuery('-sha512', '-cert'))),
		);
		expect(response.status).toBe(0);
		expect(response.certificates).toHaveLength(1);
		expect(response.genTime.getTime()).toBe(NOW_MS - 789);
		expect(response.imprint.hashAlgorithm).toBe('SHA2_512');
	});

	it('repeats imprint and nonce octet for octet', async () => {
		const query = opensslQuery('-sha384');
		const response = await issueTimestamp(depsOf(await makeAuthority()), parseTimestampQuery(query));
		const { info } = fieldsOf(response);
		const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
		const parsed = parseTimestampQuery(query);
		expect(text(response)).toContain(text(parsed.imprint));
		expect(text(new Uint8Array(info.nonce!))).toBe(text(parsed.nonce!.subarray(2)));
	});

	it('keeps a nonce that a sloppy client encoded as a negative number', async () => {
		const { imprint } = parseTimestampQuery(opensslQuery('-sha256', '-no_nonce'));
		const negative = Uint8Array.of(0x02, 0x08, 0x80, 1, 2, 3, 4, 5, 6, 7);
		const query = Uint8Array.of(0x30, 3 + imprint.length + negative.length, 2, 1, 1, ...imprint, ...negative);
		const response = await issueTimestamp(depsOf(await makeAuthority()), parseTimestampQuery(query));
		expect(Buffer.from(response).includes(Buffer.from(negative))).toBe(true);
	});

	it('brings the certificate of the authority only when asked, and never the chain', async () => {
		const authority = await makeAuthority({ intermediate: true });
		const withCert = fieldsOf(
			await issueTimestamp(depsOf(authority), parseTimestampQuery(opensslQuery('-sha256', '-cert'))),
		);
		const without = fieldsOf(await issueTimestamp(depsOf(authority), parseTimestampQuery(opensslQuery('-sha256'))));
		expect(without.signed.certificates).toBeUndefined();
		expect(withCert.signed.certificates).toHaveLength(1);
		const embedded = AsnConvert.serialize(withCert.signed.certificates![0]!.certificate!);
		expect(new X509Certificate(new Uint8Array(embedded)).raw.equals(authority.chain.leaf)).toBe(true);
	});

	it('signs attributes that are in DER order and bind the certificate', async () => {
		const authority = await makeAuthority();
		const { signed } = fieldsOf(await issueTimestamp(depsOf(authority), jsonQuery('sha256')));
		const attributes = signed.signerInfos[0]!.signedAttrs!;
		const encodings = attributes.map((attribute) => Buffer.from(AsnConvert.serialize(attribute)));
		expect(encodings).toEqual([...encodings].sort(Buffer.compare));
		expect(attributes.map((attribute) => attribute.attrType)).toContain('1.2.840.113549.1.9.16.2.47');
		const ess = attributes.find((attribute) => attribute.attrType === '1.2.840.113549.1.9.16.2.47')!;
		const leafHash = createHash('sha256').update(authority.chain.leaf).digest('hex');
		expect(Buffer.from(ess.attrValues[0]!).toString('hex')).toBe(`3026302430220420${leafHash}`);
	});

	it('is refused by openssl when the token is for another leaf with the same key', async () => {
		const authority = await makeAuthority();
		const other = await makeAuthority({ signer: authority.signer });
		const response = await issueTimestamp(depsOf(authority), jsonQuery('sha256'));
		expect(() =>
			openssl(
				['ts', '-verify', '-in', 'r.tsr', '-data', 'data', '-CAfile', 'root.pem', '-untrusted', 'untrusted.pem'],
				{
					...trustFiles(other.chain),
					'r.tsr': response,
					data: DATA,
				},
			),
		).toThrow();
	});

	it('gives no two tokens one serial number', async () => {
		const deps = depsOf(await makeAuthority());
		const serials = new Set<string>();
		for (let i = 0; i < 200; i++) {
			const { info } = fieldsOf(await issueTimestamp(deps, jsonQuery('sha256')));
			serials.add(Buffer.from(info.serialNumber).toString('hex'));
		}
		expect(serials.size).toBe(200);
	});

	it('makes the chain that openssl prints as a token of its own', async () => {
		const authority = await makeAuthority();
		const response = await issueTimestamp(depsOf(authority), jsonQuery('sha256'));
		const token = opensslOutput(['ts', '-reply', '-in', 'r.tsr', '-token_out'], { 'r.tsr': response });
		const said = openssl(
			[
				'cms',
				'-verify',
				'-inform',
				'DER',
				'-in',
				'token',
				'-CAfile',
				'root.pem',
				'-certfile',
				'leaf.pem',
				'-purpose',
				'timestampsign',
				'-out',
				'out',
			],
			{
				token,
				'root.pem': encodePem('CERTIFICATE', authority.chain.root),
				'leaf.pem': encodePem('CERTIFICATE', authority.chain.leaf),
			},
		);
		expect(said).toBe('');
	});
});

describe('refusals', () => {
	const codeOf = async (work: Promise<unknown>) =>
		work.then(
			() => 'granted',
			(error) => error.code,
		);

	it('refuses a policy that is not offered, naming those that are', async () => {
		const deps = depsOf(await makeAuthority());
		const query: TimestampQuery = { ...jsonQuery('sha256'), policy: '1.2.3' };
		await expect(issueTimestamp(deps, query)).rejects.toMatchObject({
			code: 'unaccepted-policy',
			detail: expect.stringContaining(OTHER_POLICY),
		});
	});

	it('refuses to sign outside of the validity of its certificate', async () => {
		const tomorrow = await makeAuthority({ notBefore: new Date(NOW_MS + 86_400_000) });
		expect(await codeOf(issueTimestamp(depsOf(tomorrow), jsonQuery('sha256')))).toBe('certificate-not-valid');
		const past = await makeAuthority({ notBefore: new Date('2010-01-01T00:00:00Z') });
		expect(await codeOf(issueTimestamp(depsOf(past), jsonQuery('sha256')))).toBe('certificate-not-valid');
	});

	it('says that signing failed without saying why', async () => {
		const authority = await makeAuthority();
		const signer = { ...authority.signer, sign: () => Promise.reject(new Error('PIN 1234 is wrong')) };
		await expect(issueTimestamp(depsOf({ ...authority, signer }), jsonQuery('sha256'))).rejects.toMatchObject({
			code: 'signing-failed',
			detail: expect.not.stringContaining('1234'),
		});
	});
});
