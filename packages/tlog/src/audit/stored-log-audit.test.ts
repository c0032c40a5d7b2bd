import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex, fromUtf8, toHex, utf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { Database, Sql } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textEntry } from '../../test/log-world.ts';
import { identityOf } from '../../test/statement.ts';
import type { ReceiptInput } from '../entry.ts';
import { createLog } from '../log/create-log.ts';
import { openLog } from '../log/log.ts';
import type { LogIdentity } from '../log-identity.ts';
import { migrateTlog } from '../migrate.ts';
import { auditStoredLog, type ReceiptCheck, type StoredLog } from './stored-log-audit.ts';

/** Two full tiles and a partial one on each log. */
const SIZE = 600;
const SCHEMA = 'audited';

/** Without receipts, with receipts, and with heads that are signed together with their time. */
const WIRES = { plain: 'rekor-v2', receipted: 'rekor-v1', timed: 'rfc6962' } as const;
type LogName = keyof typeof WIRES;

let folder: string;
let test: TestDatabase;
let logs: Record<LogName, Omit<StoredLog, 'database'>>;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-audit-'));
	test = await createTestDatabase();
	await migrateTlog(test.database, SCHEMA);
	logs = {
		plain: await makeLog(test.database, 'plain'),
		receipted: await makeLog(test.database, 'receipted'),
		timed: await makeLog(test.database, 'timed'),
	};
});
afterAll(async () => {
	await test?.drop();
	await rm(folder, { recursive: true, force: true });
});

async function makeLog(database: Database, name: LogName): Promise<Omit<StoredLog, 'database'>> {
	const { privateKey } = generateKeyPairSync('ed25519');
	const wire = WIRES[name];
	const identity: LogIdentity = { ...identityOf(privateKey), logId: name, origin: `${name}.example`, wire };
	const mark = join(folder, `${name}.mark`);
	await createLog(database, SCHEMA, identity);
	const log = await openLog({
		database,
		schema: SCHEMA,
		identity,
		mark: openFileMark(mark),
		clock: Date.now,
		signHead: async (head) => signedText([identity.origin, head.size, toHex(head.root), head.timestampMs], privateKey),
		...(name === 'receipted' ? { signReceipt: async (entry) => signed(receiptText(entry), privateKey) } : {}),
	});
	await Promise.all(Array.from({ length: SIZE }, (_, i) => log.submit(textEntry(`entry ${i} of ${name}`))));
	await log.close();
	return {
		schema: SCHEMA,
		logId: name,
		publicKey: identity.publicKey,
		mark: openFileMark(mark),
		openHead: async (note, origin) => {
			const [text, signature] = fromUtf8(note).split('\n\n');
			const [name, size, root, time] = (text ?? '').split('\n');
			if (name !== origin) throw new FormatError('test head', `its origin is '${name}'`);
			if (!verify(null, utf8(text ?? ''), createPublicKey(privateKey), fromHex(signature ?? '')))
				throw new FormatError('test head', 'no known key has signed');
			return { size: Number(size), root: fromHex(root ?? ''), timestampMs: Number(time) };
		},
		receiptCheck: (wire) => (wire === 'rekor-v1' ? signedReceipts(privateKey) : noReceipts),
	};
}

const signed = (text: string, key: KeyObject) => new Uint8Array(sign(null, utf8(text), key));
const receiptText = ({ index, timestampMs, leaf }: ReceiptInput) => `${index} ${timestampMs} ${toHex(leaf)}`;

/** Lines, an empty one, and the signature over the lines. */
function signedText(lines: readonly (string | number)[], key: KeyObject): Uint8Array {
	const text = lines.join('\n');
	return utf8(`${text}\n\n${toHex(signed(text, key))}`);
}

function signedReceipts(key: KeyObject): ReceiptCheck {
	return (entry) => {
		if (!entry.receipt) return 'has no receipt';
		const isTrue = verify(null, utf8(receiptText(entry)), createPublicKey(key), entry.receipt);
		return isTrue ? undefined : 'its receipt is not signed by the log';
	};
}

const noReceipts: ReceiptCheck = ({ receipt }) => (receipt ? 'has a receipt, and this wire has none' : undefined);

async function audit(name: LogName, database: Database): Promise<string[]> {
	const report = await auditStoredLog({ ...logs[name], database });
	expect(report.count).toBe(report.findings.length);
	return report.findings.map(({ where, problem }) => `${where}: ${problem}`);
}

class RollBack extends Error {}

/** What the audit says while the database is damaged like this: triggers off, as only its owner can, and all undone after. */
async function auditDamaged(name: LogName, damage: string): Promise<string[]> {
	const { schema, logId } = logs[name];
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

it.each(['plain', 'receipted', 'timed'] as const)('a correct %s log passes', async (name) => {
	const report = await auditStoredLog({ ...logs[name], database: test.database });
	expect(report).toMatchObject({ size: SIZE, count: 0 });
});

describe('one change in the database is found and named:', () => {
	const leaf = (index: number) =>
		`update tlog_entries set leaf = ${flipped('leaf', 3)} where $log and index = ${index}`;
	const cases: [what: string, log: LogName, damage: string, expected: readonly RegExp[]][] = [
		['a leaf below a full tile', 'plain', leaf(300), [/^entry 300: its leaf hash is .*, the tree has/]],
		['a leaf at the right edge', 'plain', leaf(599), [/^entry 599: its leaf hash is .*, the tree has/]],
		['a leaf with a receipt', 'receipted', leaf(0), [/^entry 0: its leaf hash/, /^entry 0: its receipt is not signed/]],
		[
			'a leaf hash below a full tile',
			'plain',
			`update tlog_entries set leaf_hash = ${flipped('leaf_hash', 9)} where $log and index = 5`,
			[/^entry 5: its column leaf_hash is .*, leaf and tree have/],
		],
		[
			'a leaf hash at the right edge',
			'plain',
			`update tlog_entries set leaf_hash = ${flipped('leaf_hash', 9)} where $log and index = 513`,
			[/^right edge at tile level 0: hash 1 is .*, entry 513 hashes to .*agrees with the entry/],
		],
		[
			'the hashes of a tile',
			'plain',
			`update tlog_tiles set hashes = ${flipped('hashes', 32 * 7)} where $log and level = 0 and index = 1`,
			[/^tile\/0\/1: hash 7 is .*, entry 263 hashes to .*agrees with the entry/],
		],
		[
			'the root beside a tile',
			'plain',
			`update tlog_tiles set root = ${flipped('root', 0)} where $log and level = 0 and index = 1`,
			[/^right edge at tile level 1: hash 1 is .*, tile\/0\/1 makes .*agrees with the latter/],
		],
		['a missing entry', 'plain', `delete from tlog_entries where $log and index = 256`, [/^entry 256: is missing$/]],
		[
			'a missing entry at the right edge, of which then nothing is left',
			'plain',
			`delete from tlog_entries where $log and index = 550`,
			[/^entry 550: is missing$/, /^root: it cannot be recomputed/],
		],
		[
			'a missing tile',
			'plain',
			`delete from tlog_tiles where $log and level = 0 and index = 0`,
			[/^tile\/0\/0: is missing$/],
		],
		[
			'two entries in the wrong order',
			'plain',
			`update tlog_entries e set leaf = o.leaf, leaf_hash = o.leaf_hash from tlog_entries o
			where e.$log and o.$log and e.index in (10, 20) and o.index = 30 - e.index`,
			[/^entry 10: .* belongs to index 20\)$/, /^entry 20: .* belongs to index 10\)$/],
		],
		[
			'a time that goes back',
			'plain',
			`update tlog_entries set timestamp_ms = timestamp_ms + 3600000 where $log and index = 255`,
			[/^entry 256: its time \d+ is before \d+, that of entry 255$/],
		],
		[
			'a changed receipt',
			'receipted',
			`update tlog_receipts set receipt = ${flipped('receipt', 9)} where $log and index = 77`,
			[/^entry 77: its receipt is not signed/],
		],
		[
			'a missing receipt',
			'receipted',
			`delete from tlog_receipts where $log and index = 599`,
			[/^entry 599: has no receipt$/],
		],
		[
			'a receipt on a wire without',
			'plain',
			`insert into tlog_receipts (log_id, index, receipt) values ('plain', 4, 'x')`,
			[/^entry 4: has a receipt, and this wire has none$/],
		],
		[
			'a byte of the checkpoint',
			'plain',
			`update tlog_published set note = ${flipped('note', 20)} where $log`,
			[/^checkpoint: /],
		],
		[
			'the time of a head',
			'timed',
			`update tlog_published set timestamp_ms = timestamp_ms + 1 where $log`,
			[/^checkpoint: is signed for the time/],
		],
		[
			'the published root',
			'plain',
			`update tlog_published set root = ${flipped('root', 0)} where $log`,
			[/^published head: has root .* the stored tree has/, /^checkpoint: is signed for root .* beside it stands root/],
		],
		[
			'the integrated root',
			'plain',
			`update tlog_heads set root = ${flipped('root', 0)} where $log`,
			[/^root: the 600 entries make root .*, the integrated head says root/],
		],
		[
			'an integrated head that went back',
			'plain',
			`update tlog_heads set size = 599 where $log`,
			[
				/^root: /,
				/^published head: has 600 entries, only 599 are integrated/,
				/^entry 599: lies beyond the integrated head$/,
			],
		],
		[
			'the key in the row of the log',
			'plain',
			`update tlog_logs set public_key = ${flipped('public_key', 20)} where $log`,
			[/^log: its row has the public key/],
		],
		['no row', 'plain', `delete from tlog_logs where $log`, [/^log: there is no row of plain$/]],
		['no head', 'plain', `delete from tlog_heads where $log`, [/^log: there is no head of plain$/]],
	];
	it.each(cases)('%s (%s)', async (_what, name, damage, expected) => {
		const lines = await auditDamaged(name, damage);
		for (const line of expected) expect(lines).toContainEqual(expect.stringMatching(line));
		expect(lines).toHaveLength(expected.length);
	});
});

describe('the mark is compared:', () => {
	it('missing, damaged, and of a database that is older', async () => {
		const mark = join(folder, 'plain.mark');
		const text = readFileSync(mark, 'utf8');
		try {
			rmSync(mark);
			expect(await audit('plain', test.database)).toEqual([`mark: is missing from ${mark}`]);
			writeFileSync(mark, text.replace('"size": 600', '"size": 601'));
			expect(await audit('plain', test.database)).toEqual([expect.stringMatching(/^mark: .*checksum does not fit/)]);
		} finally {
			writeFileSync(mark, text);
		}
		const older = 'update tlog_published set size = 598 where $log';
		expect(await auditDamaged('plain', older)).toContainEqual(
			'mark: has 600 entries, the published head 598: entries are missing',
		);
	});

	it('of another log', async () => {
		const lines = (await auditStoredLog({ ...logs.plain, mark: logs.receipted.mark, database: test.database }))
			.findings;
		expect(lines.map(({ where, problem }) => `${where}: ${problem}`)).toEqual([
			expect.stringMatching(/^mark: belongs to the key [0-9a-f]{64} of receipted\.example$/),
			expect.stringMatching(/^mark: has root .* at size 600, the stored tree has/),
			expect.stringMatching(/^mark: test head: its origin is 'receipted\.example'/),
		]);
	});
});
