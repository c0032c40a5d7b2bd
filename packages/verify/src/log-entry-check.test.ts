import { sign } from 'node:crypto';
import { toBase64 } from '@chancery/core/bytes';
import { describe, expect, it } from 'vitest';
import { copyOf, IssuingAuthority, minutes, SIGNED_AT } from '../test/issuing-authority.ts';
import { memberAt, withMember } from '../test/json-path.ts';
import { makeKey } from '../test/keys.ts';
import { expectRefusal, refusalOf } from '../test/refusals.ts';
import { line, type RecordOptions, SignatureLog } from '../test/signature-log.ts';

const authority = new IssuingAuthority();
const SECONDS = SIGNED_AT.getTime() / 1000;
const ENTRIES = ['verificationMaterial', 'tlogEntries'];
const ENTRY = [...ENTRIES, 0];
const PROOF = [...ENTRY, 'inclusionProof'];
const CHECKPOINT = [...PROOF, 'checkpoint', 'envelope'];

const v1 = (record: RecordOptions = {}) => authority.sign({ kind: 'hashedrekord/0.0.1', record });
const v2 = (record: RecordOptions = {}) => authority.sign({ record });

/** The trusted root with another period for the log at this place in its list. */
function withPeriod(place: 0 | 1, validFor: { start?: string; end?: string }) {
	return withMember(authority.trustedRoot, ['tlogs', place, 'publicKey', 'validFor'], validFor);
}

describe('the promise of a v1 log', () => {
	it('is the only thing that proves its time', async () => {
		const bundle = await v1();
		const unpromised = withMember(bundle, [...ENTRY, 'inclusionPromise'], undefined);
		await expectRefusal(authority.verify(unpromised), 'timestamp-missing');
		const untimed = withMember(bundle, [...ENTRY, 'integratedTime'], undefined);
		await expectRefusal(authority.verify(untimed), 'inclusion-promise-invalid', /no time/);
		await expectRefusal(
			authority.verify(withMember(bundle, [...ENTRY, 'integratedTime'], '0')),
			'inclusion-promise-invalid',
		);
	});

	it.each([
		['time', ['integratedTime'], String(SECONDS + 1)],
		['index', ['logIndex'], '1006'],
	])('covers the %s', async (_what, path, value) => {
		const bundle = withMember(await v1(), [...ENTRY, ...path], value);
		await expectRefusal(authority.verify(bundle), 'inclusion-promise-invalid', /does not verify/);
	});

	it('is refused when a stranger made it, although the checkpoint is good', async () => {
		const [good, forged] = [await v1(), await v1({ forger: makeKey() })];
		const promise = [...ENTRY, 'inclusionPromise'];
		await expectRefusal(
			authority.verify(withMember(good, promise, memberAt(forged, promise))),
			'inclusion-promise-invalid',
			/does not verify/,
		);
	});

	it('holds while the key was in use, both ends included', async () => {
		const bundle = await v1();
		const at = (n: number) => new Date(SIGNED_AT.getTime() + n * 1000).toISOString();
		for (const validFor of [{ start: at(0) }, { start: at(-9), end: at(0) }])
			await authority.verify(bundle, { trustedRoot: withPeriod(0, validFor) });
		for (const validFor of [{ start: at(1) }, { start: at(-9), end: at(-1) }])
			await expectRefusal(
				authority.verify(bundle, { trustedRoot: withPeriod(0, validFor) }),
				'inclusion-promise-invalid',
				/not in use at/,
			);
	});

	it('far beyond any calendar is refused, not stumbled over', async () => {
		const bundle = await authority.sign({ kind: 'hashedrekord/0.0.1', integratedTime: Number.MAX_SAFE_INTEGER });
		await expectRefusal(authority.verify(bundle), 'inclusion-promise-invalid', /a time that does not exist/);
	});

	it('outside of the validity of the certificate is refused', async () => {
		for (const shift of [-2, 10]) {
			const integratedTime = minutes(shift).getTime() / 1000;
			const bundle = await authority.sign({ kind: 'hashedrekord/0.0.1', integratedTime });
			await expectRefusal(authority.verify(bundle), 'certificate-untrusted', /not valid at/);
		}
	});
});

describe('an entry of a v2 log', () => {
	it('proves no time, whatever promise and time stand beside it', async () => {
		const bundle = await authority.sign({ integratedTime: SECONDS, timestamp: null });
		await expectRefusal(authority.verify(bundle), 'timestamp-missing');
		const forged = await authority.sign({ integratedTime: SECONDS, record: { forger: makeKey() } });
		const promise = [...ENTRY, 'inclusionPromise'];
		const { times } = await authority.verify(withMember(await v2(), promise, memberAt(forged, promise)));
		expect(times.map(({ source }) => source)).toEqual(['timestamp-authority']);
	});

	it('has one index, which the proof proves', async () => {
		await expectRefusal(
			authority.verify(withMember(await v2(), [...ENTRY, 'logIndex'], '6')),
			'inclusion-proof-invalid',
			/another index/,
		);
	});

	it('holds only when the key was in use at every proved time', async () => {
		const bundle = await v2();
		const at = (n: number) => new Date(SIGNED_AT.getTime() + n * 1000).toISOString();
		for (const validFor of [{ start: at(0) }, { start: at(-9), end: at(0) }])
			await authority.verify(bundle, { trustedRoot: withPeriod(1, validFor) });
		for (const validFor of [{ start: at(1) }, { start: at(-9), end: at(-1) }])
			await expectRefusal(
				authority.verify(bundle, { trustedRoot: withPeriod(1, validFor) }),
				'log-unknown',
				/not in use/,
			);
	});

	it('may be signed with ECDSA as well', async () => {
		const log = new SignatureLog('v2', 'log2.test', makeKey('p256'));
		const other = new IssuingAuthority();
		Object.assign(other, { v2: log });
		other.trustedRoot.tlogs = [log.trusted({ start: '2026-01-01T00:00:00Z' })];
		await other.verify(await other.sign());
	});
});

describe('the log', () => {
	it('is found by its whole id', async () => {
		const bundle = await v2();
		const id = Buffer.from(memberAt(bundle, [...ENTRY, 'logId', 'keyId']) as string, 'base64');
		for (const other of [id.subarray(0, 4), Buffer.concat([id, id]), Buffer.alloc(32)]) {
			const renamed = withMember(bundle, [...ENTRY, 'logId', 'keyId'], toBase64(other));
			const error = await refusalOf(authority.verify(renamed));
			expect(error.code).toBe('log-unknown');
			expect(error.expected).toBe('https://rekor.test, https://log2.test');
		}
	});

	it('is not a certificate log', async () => {
		const { tlogs, ctlogs } = authority.trustedRoot;
		const trustedRoot = { ...authority.trustedRoot, tlogs: [], ctlogs: [...(tlogs ?? []), ...(ctlogs ?? [])] };
		await expectRefusal(authority.verify(await v2(), { trustedRoot }), 'log-unknown');
	});

	it('may vouch once: two entries of one log are refused, two of different logs are good', async () => {
		const key = makeKey();
		const bundle = await authority.sign({ key });
		const [entry] = bundle.verificationMaterial.tlogEntries ?? [];
		await expectRefusal(authority.verify(withMember(bundle, [...ENTRIES, 1], entry)), 'log-entry-mismatch', /two/);

		const second = new SignatureLog('v2', 'other.test');
		const body = Buffer.from(entry?.canonicalizedBody ?? '', 'base64');
		const other = await second.record({ kind: 'hashedrekord', version: '0.0.2' }, body);
		const both = withMember(bundle, [...ENTRIES, 1], other);
		await expectRefusal(authority.verify(both), 'log-unknown');
		const trustedRoot = copyOf(authority.trustedRoot);
		trustedRoot.tlogs?.push(second.trusted({ start: '2026-01-01T00:00:00Z' }));
		const { logEntries } = await authority.verify(both, { trustedRoot });
		expect(logEntries.map(({ logUrl }) => logUrl)).toEqual(['https://log2.test', 'https://other.test']);
	});
});

describe('the proof', () => {
	it.each([
		['another index', ['logIndex'], '4'],
		['an index beyond the tree', ['logIndex'], '11'],
		['no hashes', ['hashes'], []],
		['another tree size', ['treeSize'], '6'],
		['an empty tree', ['treeSize'], '0'],
		['a short root', ['rootHash'], 'AAAA'],
		['a short hash', ['hashes', 0], 'AAAA'],
		['an empty hash', ['hashes', 0], ''],
	])('with %s is refused', async (_what, path, value) => {
		for (const bundle of [await v1(), await v2()])
			await expectRefusal(authority.verify(withMember(bundle, [...PROOF, ...path], value)), 'inclusion-proof-invalid');
	});

	it('must be for the tree of the checkpoint', async () => {
		const bundle = await v2();
		const root = Buffer.from(memberAt(bundle, [...PROOF, 'rootHash']) as string, 'base64');
		const grown = authority.v2.checkpoint(12, root);
		await expectRefusal(authority.verify(withMember(bundle, CHECKPOINT, grown)), 'checkpoint-invalid', /tree size/);
		const forked = authority.v2.checkpoint(11, new Uint8Array(32));
		await expectRefusal(authority.verify(withMember(bundle, CHECKPOINT, forked)), 'checkpoint-invalid', /root/);
	});
});

describe('the checkpoint', () => {
	const foreign = line('witness.test', Buffer.from([1, 2, 3, 4]), Buffer.alloc(72, 7));
	const grease = line('log2.test', Buffer.from([9, 9, 9, 9]), Buffer.alloc(64, 7));

	it.each([
		['before', { before: [foreign, grease] }],
		['after', { after: [foreign, grease] }],
		['around', { before: [grease], after: [foreign, foreign] }],
	])('may carry the lines of others %s that of the log', async (_where, record) => {
		await authority.verify(await v2(record));
	});

	it('may carry a bad line under the name and key hint of the log when another one is good', async () => {
		const bad = line('log2.test', authority.v2.logId.subarray(0, 4), Buffer.alloc(64, 7));
		await authority.verify(await v2({ before: [bad] }));
		await authority.verify(await v2({ after: [bad] }));
	});

	it.each([
		['another key hint', { keyHint: Uint8Array.of(1, 2, 3, 4) }, /not signed by the log/],
		['the name of another log', { lineName: 'rekor.test' }, /not signed by the log/],
		['a name that only contains its own', { lineName: 'log2.test.evil.example' }, /not signed by the log/],
		['the signature of a stranger', { forger: makeKey('ed25519') }, /does not verify/],
		['the origin of another log', { origin: 'rekor.test' }, /another log/],
		['an origin with its own in it', { origin: 'log2.test - 1' }, /another log/],
	] satisfies [string, RecordOptions, RegExp][])('with %s is refused', async (_what, record, words) => {
		await expectRefusal(authority.verify(await v2(record)), 'checkpoint-invalid', words);
	});

	it.each([
		['', 'malformed'],
		['log2.test\n11\n', 'malformed'],
		['log2.test\n11\n\n', 'malformed'],
		['\u2014 log2.test AAAAAAAA\n', 'malformed'],
		[`log2.test\n11\n\u0000\n\n${foreign}`, 'malformed'],
		[`log2.test\n11\n\n${foreign}`, 'not signed by the log'],
	])('%j is refused', async (envelope, words) => {
		await expectRefusal(
			authority.verify(withMember(await v2(), CHECKPOINT, envelope)),
			'checkpoint-invalid',
			new RegExp(words),
		);
	});

	it.each(['011', '-11', '11 ', '+11', '0x0b', '1e1', '99999999999999999999'])(
		'with the size %j is refused although the log signed it',
		async (size) => {
			const bundle = await v2();
			const root = memberAt(bundle, [...PROOF, 'rootHash']) as string;
			const text = `log2.test\n${size}\n${root}\n`;
			const { privateKey } = authority.v2.key;
			const signature = sign(null, Buffer.from(text), privateKey);
			const envelope = `${text}\n${line('log2.test', authority.v2.logId.subarray(0, 4), signature)}`;
			await expectRefusal(authority.verify(withMember(bundle, CHECKPOINT, envelope)), 'checkpoint-invalid', /size/);
		},
	);

	it('of a v1 log has an origin of its own, which nothing is compared with', async () => {
		await authority.verify(await v1({ origin: 'rekor.test - 987654321' }));
	});

	it('may name the host with its port where the root does', async () => {
		const trustedRoot = withMember(authority.trustedRoot, ['tlogs', 1, 'baseUrl'], 'http://log2.test:8080/x');
		for (const name of ['log2.test', 'log2.test:8080'])
			await authority.verify(await v2({ lineName: name, origin: name }), { trustedRoot });
		await expectRefusal(
			authority.verify(await v2({ lineName: 'log2.test:8081' }), { trustedRoot }),
			'checkpoint-invalid',
		);
	});
});
