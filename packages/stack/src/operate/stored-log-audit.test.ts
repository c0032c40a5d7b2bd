import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { encodeMerkleTreeLeaf } from '@chancery/core/ct';
import { sha256 } from '@chancery/core/sha';
import { configSchema as ctlogSchema } from '@chancery/ctlog/config';
import { createCtlog, logIdentityOf } from '@chancery/ctlog/domain/log-identity';
import { signSct } from '@chancery/ctlog/domain/sct';
import { signTreeHead } from '@chancery/ctlog/domain/tree-head';
import { migrateSchema as migrateCtlog } from '@chancery/ctlog/store/migrations';
import { generateSigner } from '@chancery/keys/file/generate';
import { configSchema as logSchema } from '@chancery/log/config';
import { createLogs } from '@chancery/log/domain/create-logs';
import { openLogs } from '@chancery/log/domain/open-logs';
import { migrateSchema as migrateLog } from '@chancery/log/store/migrations';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { Database, Sql } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { openLog } from '@chancery/tlog/log';
import { logTables } from '@chancery/tlog/store/log-tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditStoredLog, type StoredLog } from './stored-log-audit.ts';

/** Two full tiles and a partial one on each log. */
const SIZE = 600;

let folder: string;
let test: TestDatabase;
let logs: Record<'v1' | 'v2' | 'ctlog', Omit<StoredLog, 'database'>>;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-audit-'));
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
	const config = logSchema.parse({
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
	});

	const ctConfig = { ...ctlogSchema.parse({ publicUrl: 'https://ct.example/log' }), mode: 'production' as const };
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
	const place = (schema: string, logId: string, name: string, publicKey: Uint8Array) => ({
		tables: logTables(schema, logId),
		publicKey,
		mark: markAt(name),
	});
	return {
		v1: place('log', 'rekor-v1', 'v1', v1Signer.publicKey),
		v2: place('log', 'rekor-v2', 'v2', v2Signer.publicKey),
		ctlog: place('ctlog', 'ctlog', 'ctlog', ctSigner.publicKey),
	};
}

async function audit(name: keyof typeof logs, database: Database): Promise<string[]> {
	const report = await auditStoredLog({ ...logs[name], database });
	expect(report.count).toBe(report.findings.length);
	return report.findings.map(({ where, problem }) => `${where}: ${problem}`);
}

class RollBack extends Error {}

/** What the audit says while the database is damaged like this: triggers off, as only its owner can, and all undone after. */
async function auditDamaged(name: keyof typeof logs, damage: string): Promise<string[]> {
	const { schema, logId } = logs[name].tables;
	let lines: string[] = [];
	const statements = damage.replaceAll(/\btlog_/g, `${schema}.tlog_`).replaceAll('$log', `log_id = '${logId}'`);
	const work = async (sql: Sql) => {
		for (const table of ['logs', 'heads', 'published', 'entries', 'receipts', 'tiles'])
			await sql.query(`alter table ${schema}.tlog_${table} disable trigger user`);
		await sql.query(statements);
		const query: Sql['query'] = (text, values) => sql.query(text, values);
		lines = await audit(name, { query, transaction: (inner) => inner(sql), close: async () => undefined });
		throw new RollBack();
	};
	await expect(test.database.transaction(work)).rejects.toThrow(RollBack);
	return lines;
}

const flipped = (column: string, offset: number) =>
	`set_byte(${column}, ${offset}, get_byte(${column}, ${offset}) # 1)`;

it.each(['v1', 'v2', 'ctlog'] as const)('a correct %s log passes', async (name) => {
	const report = await auditStoredLog({ ...logs[name], database: test.database });
	expect(report).toMatchObject({ size: SIZE, count: 0 });
});

describe('one change in the database is found and named:', () => {
	const leaf = (index: number) =>
		`update tlog_entries set leaf = ${flipped('leaf', 3)} where $log and index = ${index}`;
	const cases: [what: string, log: keyof typeof logs, damage: string, expected: readonly RegExp[]][] = [
		['a leaf below a full tile', 'v2', leaf(300), [/^entry 300: its leaf hash is .*, the tree has/]],
		['a leaf at the right edge', 'v2', leaf(599), [/^entry 599: its leaf hash is .*, the tree has/]],
		['a leaf with a SET', 'v1', leaf(0), [/^entry 0: its leaf hash/, /^entry 0: its receipt \(SET\) is not signed/]],
		[
			'a leaf hash below a full tile',
			'v2',
			`update tlog_entries set leaf_hash = ${flipped('leaf_hash', 9)} where $log and index = 5`,
			[/^entry 5: its column leaf_hash is .*, leaf and tree have/],
		],
		[
			'a leaf hash at the right edge',
			'v2',
			`update tlog_entries set leaf_hash = ${flipped('leaf_hash', 9)} where $log and index = 513`,
			[/^right edge at tile level 0: hash 1 is .*, entry 513 hashes to .*agrees with the entry/],
		],
		[
			'the hashes of a tile',
			'v2',
			`update tlog_tiles set hashes = ${flipped('hashes', 32 * 7)} where $log and level = 0 and index = 1`,
			[/^tile\/0\/1: hash 7 is .*, entry 263 hashes to .*agrees with the entry/],
		],
		[
			'the root beside a tile',
			'v2',
			`update tlog_tiles set root = ${flipped('root', 0)} where $log and level = 0 and index = 1`,
			[/^right edge at tile level 1: hash 1 is .*, tile\/0\/1 makes .*agrees with the latter/],
		],
		['a missing entry', 'v2', `delete from tlog_entries where $log and index = 256`, [/^entry 256: is missing$/]],
		[
			'a missing entry at the right edge, of which then nothing is left',
			'v2',
			`delete from tlog_entries where $log and index = 550`,
			[/^entry 550: is missing$/, /^root: it cannot be recomputed/],
		],
		[
			'a missing tile',
			'v2',
			`delete from tlog_tiles where $log and level = 0 and index = 0`,
			[/^tile\/0\/0: is missing$/],
		],
		[
			'two entries in the wrong order',
			'v2',
			`update tlog_entries e set leaf = o.leaf, leaf_hash = o.leaf_hash from tlog_entries o
			where e.$log and o.$log and e.index in (10, 20) and o.index = 30 - e.index`,
			[/^entry 10: .* belongs to index 20\)$/, /^entry 20: .* belongs to index 10\)$/],
		],
		[
			'a time that goes back',
			'v2',
			`update tlog_entries set timestamp_ms = timestamp_ms + 3600000 where $log and index = 255`,
			[/^entry 256: its time \d+ is before \d+, that of entry 255$/],
		],
		[
			'a changed SET',
			'v1',
			`update tlog_receipts set receipt = ${flipped('receipt', 9)} where $log and index = 77`,
			[/^entry 77: its receipt \(SET\) is not signed/],
		],
		[
			'a missing SET',
			'v1',
			`delete from tlog_receipts where $log and index = 599`,
			[/^entry 599: has no receipt \(SET\)$/],
		],
		[
			'a changed SCT',
			'ctlog',
			`update tlog_receipts set receipt = ${flipped('receipt', 60)} where $log and index = 8`,
			[/^entry 8: its receipt \(SCT\) is not signed/],
		],
		[
			'an SCT of another log',
			'ctlog',
			`update tlog_receipts set receipt = ${flipped('receipt', 1)} where $log and index = 8`,
			[/^entry 8: its receipt \(SCT\) is of the log/],
		],
		[
			'an SCT of another time',
			'ctlog',
			`update tlog_receipts set receipt = ${flipped('receipt', 40)} where $log and index = 8`,
			[/^entry 8: its receipt \(SCT\) has the time/],
		],
		[
			'a receipt on a wire without',
			'v2',
			`insert into tlog_receipts (log_id, index, receipt) values ('rekor-v2', 4, 'x')`,
			[/^entry 4: has a receipt, and this wire has none$/],
		],
		[
			'a byte of the checkpoint',
			'v2',
			`update tlog_published set note = ${flipped('note', 20)} where $log`,
			[/^checkpoint: /],
		],
		[
			'the time of a tree head',
			'ctlog',
			`update tlog_published set timestamp_ms = timestamp_ms + 1 where $log`,
			[/^checkpoint: is signed for the time/],
		],
		[
			'the published root',
			'v2',
			`update tlog_published set root = ${flipped('root', 0)} where $log`,
			[/^published head: has root .* the stored tree has/, /^checkpoint: is signed for root .* beside it stands root/],
		],
		[
			'the integrated root',
			'v2',
			`update tlog_heads set root = ${flipped('root', 0)} where $log`,
			[/^root: the 600 entries make root .*, the integrated head says root/],
		],
		[
			'an integrated head that went back',
			'v2',
			`update tlog_heads set size = 599 where $log`,
			[
				/^root: /,
				/^published head: has 600 entries, only 599 are integrated/,
				/^entry 599: lies beyond the integrated head$/,
			],
		],
		[
			'the key in the row of the log',
			'v2',
			`update tlog_logs set public_key = ${flipped('public_key', 20)} where $log`,
			[/^log: its row has the public key/],
		],
		['no row', 'v2', `delete from tlog_logs where $log`, [/^log: there is no row of rekor-v2$/]],
		['no head', 'v2', `delete from tlog_heads where $log`, [/^log: there is no head of rekor-v2$/]],
	];
	it.each(cases)('%s (%s)', async (_what, name, damage, expected) => {
		const lines = await auditDamaged(name, damage);
		for (const line of expected) expect(lines).toContainEqual(expect.stringMatching(line));
		expect(lines).toHaveLength(expected.length);
	});
});

describe('the mark is compared:', () => {
	it('missing, damaged, and of a database that is older', async () => {
		const { mark } = logs.v2;
		const text = readFileSync(mark, 'utf8');
		try {
			rmSync(mark);
			expect(await audit('v2', test.database)).toEqual([`mark: is missing from ${mark}`]);
			writeFileSync(mark, text.replace('"size": 600', '"size": 601'));
			expect(await audit('v2', test.database)).toEqual([expect.stringMatching(/^mark: .*checksum does not fit/)]);
		} finally {
			writeFileSync(mark, text);
		}
		const older = 'update tlog_published set size = 598 where $log';
		expect(await auditDamaged('v2', older)).toContainEqual(
			'mark: has 600 entries, the published head 598: entries are missing',
		);
	});

	it('of another log', async () => {
		const lines = (await auditStoredLog({ ...logs.v2, mark: logs.v1.mark, database: test.database })).findings;
		expect(lines.map(({ where, problem }) => `${where}: ${problem}`)).toEqual([
			expect.stringMatching(/^mark: belongs to the key [0-9a-f]{64} of log\.example - 77$/),
			expect.stringMatching(/^mark: has root .* at size 600, the stored tree has/),
			expect.stringMatching(/^mark: signed note: no known key has signed/),
		]);
	});
});
