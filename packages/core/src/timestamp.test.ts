import { createHash, verify } from 'node:crypto';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from './bytes.ts';
import { hashOfOid } from './cms.ts';
import {
	derBitString,
	derGeneralizedTime,
	derInteger,
	derNamedBits,
	derNull,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	derUtf8,
} from './der.ts';
import { FormatError } from './format-error.ts';
import { parsePem } from './pem.ts';
import { digest, type HashAlgorithm } from './sha.ts';
import {
	encodeTimeStampReq,
	isSigningCertificate,
	parseTimeStampReq,
	parseTimeStampResp,
	parseTimeStampStatus,
	parseTstInfo,
} from './timestamp.ts';

const openssl = new OpensslFolder();
afterAll(() => openssl.remove());

const CONFIG = `[tsa]
default_tsa = authority
[authority]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
other_policies = 1.2.3.5
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
[req]
distinguished_name = dn
[dn]
`;

let certificate: Uint8Array;
let response: Uint8Array;
const DATA = utf8('the signature that is timestamped');

beforeAll(() => {
	openssl.write('tsa.cnf', CONFIG);
	openssl.write('serial', '0fff');
	openssl.write('data', DATA);
	const base = ['req', '-config', 'tsa.cnf', '-x509', '-nodes', '-days', '1', '-subj', '/O=x/CN=tsa'];
	const added = ['extendedKeyUsage=critical,timeStamping', 'keyUsage=critical,digitalSignature'];
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', 'tsa.key', '-out', 'tsa.pem'];
	openssl.run(...base, ...key, ...added.flatMap((text) => ['-addext', text]));
	certificate = parsePem(new TextDecoder().decode(openssl.read('tsa.pem')))[0]!.der;
	response = answer(encodeTimeStampReq({ imprint: imprintOf('SHA2_256'), nonce: fromHex('ff00'), certReq: true }));
});

function imprintOf(hashAlgorithm: HashAlgorithm) {
	return { hashAlgorithm, digest: digest(hashAlgorithm, DATA) };
}

/** Lets openssl be the authority. */
function answer(request: Uint8Array, essHash = 'sha256'): Uint8Array {
	openssl.write('request.tsq', request);
	openssl.write('ess.cnf', `${CONFIG.replace('ordering', `ess_cert_id_alg = ${essHash}\nordering`)}`);
	const files = ['-queryfile', 'request.tsq', '-signer', 'tsa.pem', '-inkey', 'tsa.key', '-out', 'response.tsr'];
	openssl.run('ts', '-reply', '-config', 'ess.cnf', ...files);
	return openssl.read('response.tsr');
}

describe('a timestamp request', () => {
	it.each([
		['-sha256', 'SHA2_256'],
		['-sha384', 'SHA2_384'],
		['-sha512', 'SHA2_512'],
	] as const)('by openssl with %s is read and written again', (option, hashAlgorithm) => {
		openssl.run('ts', '-query', '-data', 'data', option, '-cert', '-tspolicy', '1.2.3.5', '-out', 'query.tsq');
		const bytes = openssl.read('query.tsq');
		const request = parseTimeStampReq(bytes);
		expect(request).toMatchObject({ imprint: imprintOf(hashAlgorithm), policy: '1.2.3.5', certReq: true });
		expect(request.nonce).toBeDefined();
		expect(encodeTimeStampReq(request)).toEqual(bytes);
	});

	it('of ours is read by openssl', () => {
		openssl.write(
			'ours.tsq',
			encodeTimeStampReq({ imprint: imprintOf('SHA2_384'), nonce: fromHex('80'), certReq: false }),
		);
		const text = openssl.run('ts', '-query', '-in', 'ours.tsq', '-text');
		expect(text).toContain('Hash Algorithm: sha384');
		expect(text).toContain('Nonce: 0x80');
		expect(text).toContain('Certificate required: no');
	});

	const imprint = derSequence(derSequence(derOid('2.16.840.1.101.3.4.2.1')), derOctetString(new Uint8Array(32)));
	it('may leave out the parameters of its hash', () => {
		expect(parseTimeStampReq(derSequence(derInteger(1), imprint)).certReq).toBe(false);
	});

	it.each([
		['nothing', new Uint8Array(0)],
		['version 2', derSequence(derInteger(2), imprint)],
		[
			'SHA-1',
			derSequence(derInteger(1), derSequence(derSequence(derOid('1.3.14.3.2.26')), derOctetString(new Uint8Array(20)))),
		],
		[
			'a digest of another length',
			derSequence(
				derInteger(1),
				derSequence(derSequence(derOid('2.16.840.1.101.3.4.2.1')), derOctetString(new Uint8Array(20))),
			),
		],
		['extensions', derSequence(derInteger(1), imprint, derRaw(0xa0, derNull()))],
		['bytes behind it', concatBytes(derSequence(derInteger(1), imprint), Uint8Array.of(0))],
	])('is refused with %s', (_what, bytes) => {
		expect(() => parseTimeStampReq(bytes)).toThrow(FormatError);
	});
});

describe('a timestamp by openssl', () => {
	it('says what was asked, when, and by whom', () => {
		const stamp = parseTimeStampResp(response);
		expect(stamp).toMatchObject({ status: 0, policy: '1.2.3.4', imprint: imprintOf('SHA2_256'), accuracyMs: 1500.1 });
		expect(toHex(stamp.serial)).toBe('1000');
		expect(toHex(stamp.nonce!)).toBe('00ff00');
		expect(stamp.certificates).toEqual([certificate]);
		openssl.write('stamp.tsr', response);
		const printed = /Time stamp: (.*)/.exec(openssl.run('ts', '-reply', '-in', 'stamp.tsr', '-text'))?.[1];
		expect(stamp.genTime).toEqual(new Date(printed!));
	});

	it('gives a verifier the bytes to check', () => {
		const { signer, tstInfo } = parseTimeStampResp(response);
		const key = Buffer.from(openssl.read('tsa.pem'));
		expect(verify('sha256', signer.signedAttributes, key, signer.signature)).toBe(true);
		expect(toHex(signer.messageDigest)).toBe(createHash('sha256').update(tstInfo).digest('hex'));
		expect(signer).toMatchObject({ digestAlgorithm: 'SHA2_256', signatureAlgorithm: '1.2.840.10045.4.3.2' });
	});

	it.each(['sha1', 'sha256', 'sha384', 'sha512'])('names its certificate by %s', (essHash) => {
		const request = encodeTimeStampReq({ imprint: imprintOf('SHA2_512'), certReq: false });
		const stamp = parseTimeStampResp(answer(request, essHash));
		expect(stamp.certificates).toEqual([]);
		expect(stamp.nonce).toBeUndefined();
		expect(isSigningCertificate(stamp.signingCertificate, certificate)).toBe(true);
		expect(isSigningCertificate(stamp.signingCertificate, certificate.subarray(1))).toBe(false);
	});

	it('that was refused says why', () => {
		const request = encodeTimeStampReq({ imprint: imprintOf('SHA2_256'), policy: '1.2.3.6', certReq: false });
		const refusal = answer(request);
		expect(parseTimeStampStatus(refusal)).toMatchObject({ status: 2, failInfo: [15], token: undefined });
		expect(parseTimeStampStatus(refusal).statusText[0]).toContain('policy');
		expect(() => parseTimeStampResp(refusal)).toThrow(FormatError);
	});

	it('throws nothing but its own error for damaged bytes', () => {
		const random = new SeededRandom(18);
		let read = 0;
		for (let i = 0; i < 5000; i++) {
			try {
				parseTimeStampResp(random.mangle(response));
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(100);
	});
});

describe('the outer part of a response', () => {
	const token = derSequence(derOid('1.2.3'));
	it.each([
		['granted without a token', derSequence(derSequence(derInteger(0)))],
		['refused with a token', derSequence(derSequence(derInteger(2)), token)],
		['without a status', derSequence(derSequence())],
		['with bytes behind it', concatBytes(derSequence(derSequence(derInteger(2))), Uint8Array.of(0))],
		['with a token that is none', derSequence(derSequence(derInteger(0)), token)],
		['longer than 256 KiB', derSequence(new Uint8Array(256 * 1024))],
	])('is refused when %s', (_what, bytes) => {
		expect(() => parseTimeStampResp(bytes)).toThrow(FormatError);
	});

	it('may carry texts and failure bits', () => {
		const info = derSequence(derInteger(2), derSequence(derUtf8('one'), derUtf8('two')), derNamedBits([2, 25]));
		expect(parseTimeStampStatus(derSequence(info))).toEqual({
			status: 2,
			statusText: ['one', 'two'],
			failInfo: [2, 25],
			token: undefined,
		});
	});
});

describe('a TSTInfo', () => {
	const imprint = derSequence(
		derSequence(derOid('2.16.840.1.101.3.4.2.1'), derNull()),
		derOctetString(new Uint8Array(32)),
	);
	const info = (time: Uint8Array, ...rest: Uint8Array[]) =>
		derSequence(derInteger(1), derOid('1.2.3'), imprint, derInteger(5), time, ...rest);
	const time = derGeneralizedTime(new Date('2026-01-01T00:00:00Z'));

	it('may leave out everything that is optional', () => {
		expect(parseTstInfo(info(time))).not.toHaveProperty('nonce');
		expect(parseTstInfo(info(time))).not.toHaveProperty('accuracyMs');
	});

	it.each([
		['a UTCTime', info(derRaw(0x17, utf8('260101000000Z')))],
		['another time zone', info(derRaw(0x18, utf8('20260101000000+0000')))],
		['a negative accuracy', info(time, derSequence(derInteger(-1)))],
		['1000 milliseconds', info(time, derSequence(derRaw(0x80, fromHex('03e8'))))],
		['empty microseconds', info(time, derSequence(derRaw(0x81)))],
		['a field that we do not know', info(time, derBitString(new Uint8Array(1)))],
		['nothing', derSequence()],
	])('is refused with %s', (_what, bytes) => {
		expect(() => parseTstInfo(bytes)).toThrow(FormatError);
	});

	it('uses no hash but SHA-2', () => {
		for (const oid of ['1.3.14.3.2.26', '1.2.840.113549.2.5', '2.16.840.1.101.3.4.2.4'])
			expect(() => hashOfOid(oid)).toThrow(FormatError);
	});
});
