/** The receipts and checkpoints of the real logs, in the audit that `chancery log audit` makes of an instance. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { openCheckpoint } from '@chancery/client/log-audit/log-key';
import { encodeMerkleTreeLeaf } from '@chancery/core/ct';
import { sha256 } from '@chancery/core/sha';
import { configSchema as ctlogSchema } from '@chancery/ctlog/config';
import { createCtlog, logIdentityOf } from '@chancery/ctlog/tested/log-identity';
import { migrateSchema as migrateCtlog } from '@chancery/ctlog/tested/migrations';
import { signSct } from '@chancery/ctlog/tested/sct';
import { signTreeHead } from '@chancery/ctlog/tested/tree-head';
import { generateSigner } from '@chancery/keys/file/generate';
import { configSchema as logSchema } from '@chancery/log/config';
import { createLogs } from '@chancery/log/tested/create-logs';
import { migrateSchema as migrateLog } from '@chancery/log/tested/migrations';
import { openLogs } from '@chancery/log/tested/open-logs';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { LookedAtMark } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { auditStoredLog } from '@chancery/tlog/audit/stored-log-audit';
import { readStoredEntries } from '@chancery/tlog/audit/stored-rows';
import { NO_METRICS } from '@chancery/tlog/engine-metrics';
import type { StoredEntry } from '@chancery/tlog/entry';
import { openLog } from '@chancery/tlog/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { receiptCheck } from './receipt-check.ts';

/** A full tile and a partial one on each log. */
const SIZE = 300;

let folder: string;
let test: TestDatabase;
let logs: Record<'v1' | 'v2' | 'ctlog', StoredPlace>;

interface StoredPlace {
	readonly schema: string;
	readonly logId: string;
	readonly wire: string;
	readonly publicKey: Uint8Array;
	readonly mark: LookedAtMark;
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-receipts-'));
	test = await createTestDatabase();
	logs = await makeLogs(test.database);
});
afterAll(async () => {
	await test?.drop();
	await rm(folder, { recursive: true, force: true });
});

async function makeLogs(database: Database): Promise<typeof logs> {
	const [v1Signer, v2Signer, ctSigner] = [
		generateSigner('ecdsa-sha2-256-nistp256'),
		generateSigner('ed25519'),
		generateSigner('ecdsa-sha2-256-nistp256'),
	];
	const markAt = (name: string) => join(folder, `${name}.mark`);
	await migrateLog(database);
	await migrateCtlog(database);
	const config = logSchema().parse({
		v1: { publicUrl: 'https://log.example', hostname: 'log.example', treeId: '77' },
		v2: { publicUrl: 'https://log2.example', origin: 'log2.example' },
	});
	await createLogs({ database, config, mode: 'production', v1Signer, v2Signer });
	const logger = createLogger({ level: 'silent', json: true, name: 'test' });
	const marks = { v1: openFileMark(markAt('v1')), v2: openFileMark(markAt('v2')) };
	const { v1, v2 } = await openLogs({
		database,
		config,
		mode: 'production',
		clock: Date.now,
		logger,
		v1Signer,
		v2Signer,
		marks,
		engineMetrics: () => NO_METRICS,
	});

	const ctConfig = { ...ctlogSchema().parse({ publicUrl: 'https://ct.example/log' }), mode: 'production' as const };
	await createCtlog(database, ctConfig, ctSigner.publicKey);
	const identity = logIdentityOf(ctConfig, ctSigner.publicKey);
	const ct = await openLog({
		database,
		schema: 'ctlog',
		identity,
		mark: openFileMark(markAt('ctlog')),
		clock: Date.now,
		signHead: (head) => signTreeHead(ctSigner, identity.origin, head),
		signReceipt: ({ leaf }) => signSct(ctSigner, leaf),
	});
	const bytes = (text: string) => new TextEncoder().encode(text);
	for (const target of [v1.log, v2.log, ct]) {
		await Promise.all(
			Array.from({ length: SIZE }, (_, i) =>
				target.submit({
					identity: sha256(bytes(`identity ${i}`)),
					encode: (_index, timestampMs) => {
						const certificate = bytes(`certificate ${i}`);
						const entry = { type: 'x509', certificate } as const;
						const leaf = encodeMerkleTreeLeaf({ timestampMs, entry, extensions: new Uint8Array() });
						return target === ct
							? { leaf, extra: Uint8Array.of(0, 0, 0), searchKeys: [] }
							: { leaf: bytes(`entry ${i} ${target === v1.log}`), extra: null, searchKeys: [] };
					},
				}),
			),
		);
		await target.close();
	}
	const place = (schema: string, logId: string, wire: string, name: string, publicKey: Uint8Array) => ({
		schema,
		logId,
		wire,
		publicKey,
		mark: openFileMark(markAt(name)),
	});
	return {
		v1: place('log', 'rekor-v1', 'rekor-v1', 'v1', v1Signer.publicKey),
		v2: place('log', 'rekor-v2', 'rekor-v2', 'v2', v2Signer.publicKey),
		ctlog: place('ctlog', 'ctlog', 'rfc6962', 'ctlog', ctSigner.publicKey),
	};
}

it.each(['v1', 'v2', 'ctlog'] as const)('a correct %s log passes', async (name) => {
	const { wire, publicKey, ...place } = logs[name];
	const checkedWires: string[] = [];
	const report = await auditStoredLog({
		...place,
		publicKey,
		database: test.database,
		openHead: (note, origin) => openCheckpoint(note, { spki: publicKey, named: undefined }, origin),
		receiptCheck: (stored) => {
			checkedWires.push(stored);
			return receiptCheck(stored, publicKey);
		},
	});
	expect(report).toMatchObject({ size: SIZE, count: 0 });
	expect(checkedWires).toEqual([wire]);
});

describe('a receipt that is not what the log has signed is found and named:', () => {
	const flipped = (bytes: Uint8Array, offset: number) => bytes.map((byte, i) => (i === offset ? byte ^ 1 : byte));
	const receiptFlipped = (offset: number) => (entry: StoredEntry) => ({
		...entry,
		receipt: flipped(entry.receipt!, offset),
	});
	const cases: [what: string, log: keyof typeof logs, change: (entry: StoredEntry) => StoredEntry, expected: RegExp][] =
		[
			[
				'a leaf with a SET',
				'v1',
				(entry) => ({ ...entry, leaf: flipped(entry.leaf, 3) }),
				/^its receipt \(SET\) is not signed/,
			],
			['a changed SET', 'v1', receiptFlipped(9), /^its receipt \(SET\) is not signed/],
			['a missing SET', 'v1', (entry) => ({ ...entry, receipt: null }), /^has no receipt \(SET\)$/],
			['a changed SCT', 'ctlog', receiptFlipped(60), /^its receipt \(SCT\) is not signed/],
			['an SCT of another log', 'ctlog', receiptFlipped(1), /^its receipt \(SCT\) is of the log/],
			['an SCT of another time', 'ctlog', receiptFlipped(40), /^its receipt \(SCT\) has the time/],
			['a missing SCT', 'ctlog', (entry) => ({ ...entry, receipt: null }), /^has no receipt \(SCT\)$/],
			[
				'a receipt on a wire without',
				'v2',
				(entry) => ({ ...entry, receipt: Uint8Array.of(1) }),
				/^has a receipt, and this wire has none$/,
			],
		];
	it.each(cases)('%s (%s)', async (_what, name, change, expected) => {
		const { schema, logId, wire, publicKey } = logs[name];
		const check = receiptCheck(wire, publicKey);
		const entries = await readStoredEntries(test.database, schema, logId);
		expect(entries).toHaveLength(SIZE);
		const entry = entries[8]!;
		expect(check(entry)).toBeUndefined();
		expect(check(change(entry))).toMatch(expected);
	});
});
