/** Records that an instance, its command and its database keep: rows of marks, and the files of a data folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseInstanceFile, parseMirrorFile } from '@chancery/cli/remembered-places';
import { UsageError } from '@chancery/cli/usage-error';
import { equalBytes, fromBase64, fromHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { readRecord } from '@chancery/postgres/embedded/data-record';
import { EmbeddedPostgresError } from '@chancery/postgres/embedded/embedded-error';
import { openDatabaseMark } from '@chancery/postgres/mark/database-mark';
import { MarkError } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import { existingDataFolder } from '@chancery/stack/instance/data-folder';
import { readInstanceRecord } from '@chancery/stack/instance/instance-record';
import { Refusal } from '@chancery/stack/instance/refusal';
import { anyOf, complaint, formatError, type ParserUnderTest, parser, sameText, textOf } from './parser-under-test.ts';

/** A file is written and read in each case. */
const SHARE = 0.3;

const path = mkdtempSync(join(tmpdir(), 'chancery-mangle-'));
process.once('exit', () => rmSync(path, { recursive: true, force: true }));
const folder = existingDataFolder(path);
mkdirSync(folder.postgres);

const SECRET = '0123456789abcdef'.repeat(4);
const RECORD = {
	format: 1,
	profile: 'development',
	id: '00112233445566778899aabbccddeeff',
	portBase: 7400,
	treeId: '5551212551212551212',
	createdAt: '2026-02-28T23:59:59.999Z',
	secrets: { developmentToken: SECRET, operator: SECRET, service: SECRET },
};
const TLS = {
	from: 'files',
	certificateFile: '/etc/tls/chain.pem',
	keyFile: '/etc/tls/key.pem',
	caFile: '/etc/tls/ca',
};

const INSTANCE = {
	trustedRoot: '/data/trust/trusted_root.json',
	signingConfig: '/data/trust/signing_config.v0.2.json',
};

const MARK_ROW = {
	origin: 'log.example/2026',
	key_id: '07'.repeat(32),
	size: 4,
	root: '08'.repeat(32),
	note: 'bG9nLmV4YW1wbGUvMjAyNgo0Cg==',
	fsync: 'on',
	full_page_writes: 'on',
	synchronous_commit: 'on',
	transaction_read_only: 'off',
};

export const RECORD_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'row of a mark in a database',
		seeds: [
			JSON.stringify(MARK_ROW),
			JSON.stringify({ ...MARK_ROW, origin: null, key_id: null, size: null, root: null, note: null }),
		],
		refusals: anyOf(formatError, (error) => error instanceof MarkError && isOrdinary(error.cause)),
		parse: async (input) => {
			const row = rowOf(input);
			return { row, mark: await openDatabaseMark({ database: answering(row), schema: 'log', name: 'log' }).read() };
		},
		// A mark comes out whole, and nothing that is half there passes for a log without one.
		check: ({ row, mark }) => {
			const fields = [row.origin, row.key_id, row.size, row.root, row.note];
			if (!mark)
				return fields.every((one) => one === null || one === undefined) ? undefined : 'a row passes for no mark';
			return complaint(
				mark.origin !== row.origin && 'it has another origin',
				!(Number.isSafeInteger(mark.size) && mark.size >= 0 && mark.size === row.size) && 'its size is none',
				!(mark.keyId.length === 32 && equalBytes(mark.keyId, row.key_id as Uint8Array)) && 'its key is none',
				!(mark.root.length === 32 && equalBytes(mark.root, row.root as Uint8Array)) && 'its root is none',
			);
		},
	}),
	parser({
		name: 'record of an instance',
		seeds: [
			JSON.stringify(RECORD),
			JSON.stringify({ ...RECORD, tls: { from: 'development' } }),
			JSON.stringify({ ...RECORD, tls: TLS }),
		],
		share: SHARE,
		refusals: (error) => error instanceof Refusal,
		parse: (input) => {
			writeFileSync(folder.record, input);
			return readInstanceRecord(folder);
		},
		check: (record, input) =>
			complaint(
				!record && 'it passes for a folder without an instance',
				record && !(record.portBase >= 1024 && record.portBase + 9 <= 65535) && 'there are no such ports',
				record && BigInt(record.treeId) >= 1n << 63n && 'its tree id is no int64',
				record &&
					Object.values(record.secrets).some((one) => !/^[0-9a-f]{64}$/.test(one)) &&
					'a secret is none that was made',
				record &&
					sameText(JSON.stringify(sorted(record)), JSON.stringify(sorted(JSON.parse(Buffer.from(input).toString())))),
			),
	}),
	parser({
		name: 'record of an embedded database',
		seeds: [
			JSON.stringify({ instance: '0123456789abcdef', cluster: 'cluster', initialized: true, runtimeDir: '/run/x' }),
			JSON.stringify({ instance: '0123456789abcdef', cluster: null, initialized: false, runtimeDir: null }),
		],
		share: SHARE,
		refusals: (error) => error instanceof EmbeddedPostgresError && error.code === 'no-usable-folder',
		parse: (input) => {
			writeFileSync(join(folder.postgres, 'embedded.json'), input);
			return readRecord(folder.postgres);
		},
		check: ({ instance, cluster, initialized, runtimeDir }, input) => {
			const given = JSON.parse(Buffer.from(input).toString()) as Record<string, unknown>;
			const read: Record<string, unknown> = { instance, cluster, initialized, runtimeDir };
			const isPath = (one: string | null) => one === null || /^[^\0]+$/.test(one);
			return complaint(
				!Object.entries(read).every(([name, value]) => given[name] === value) && 'it reads something else',
				!/^[0-9a-f]{16}$/.test(instance) && 'its name is none that was made',
				typeof initialized !== 'boolean' && 'it does not say whether there is a cluster',
				!(isPath(cluster) && isPath(runtimeDir)) && 'a folder is no path',
			);
		},
	}),
	parser({
		name: 'instance.json',
		seeds: [
			JSON.stringify(INSTANCE),
			JSON.stringify({ ...INSTANCE, tlsCa: '/data/trust/tls-ca.pem', format: 1, services: {} }),
		],
		refusals: (error) => error instanceof UsageError,
		parse: (input) => parseInstanceFile(textOf(input), '/data/instance.json'),
		check: ({ trustedRoot, signingConfig, tlsCa }) =>
			[trustedRoot, signingConfig, tlsCa ?? '/'].every((one) => typeof one === 'string' && isPath(one))
				? undefined
				: 'it names no absolute paths',
	}),
	parser({
		name: 'remembered mirror',
		seeds: ['{"mirror":"https://tuf.example"}\n', '{"mirror":"http://localhost:7406/tuf/"}'],
		refusals: (error) => error instanceof UsageError,
		parse: (input) => parseMirrorFile(textOf(input), '/home/.sigstore/mirror.json'),
		check: (mirror) => (/^https?:$/.test(new URL(mirror).protocol) ? undefined : 'it is no web address'),
	}),
];

/** What the library answers for a row: any text and number, bytea as bytes, int8 as a safe integer. */
function rowOf(input: Uint8Array): Record<string, unknown> {
	const row = parseJson(input);
	if (typeof row !== 'object' || row === null || Array.isArray(row)) throw new FormatError('row', 'is none');
	const { origin, key_id, size, root, note, ...settings } = row as Record<string, unknown>;
	const bytes = (value: unknown, decode: (text: string) => Uint8Array) =>
		value === null || value === undefined ? null : decode(String(value));
	return {
		...Object.fromEntries(
			Object.keys(MARK_ROW)
				.slice(5)
				.map((name) => [name, String(settings[name])]),
		),
		origin: origin === null || origin === undefined ? null : String(origin),
		key_id: bytes(key_id, fromHex),
		size: Number.isSafeInteger(size) ? size : null,
		root: bytes(root, fromHex),
		note: bytes(note, fromBase64),
	};
}

/** A database that answers the one row. */
function answering(row: object): Database {
	return {
		query: async <Row extends object>(text: string) => [text.includes('pg_class') ? { found: false } : row] as Row[],
		transaction: () => Promise.reject(new Error('nothing is written while a mark is read')),
		close: async () => undefined,
	};
}

/** A refusal of the server's settings keeps it as its cause; no other cause is one of data. */
function isOrdinary(cause: unknown): boolean {
	return cause === undefined || (cause instanceof Error && cause.name === 'TlogError');
}

function isPath(text: string): boolean {
	return text.startsWith('/') && !text.includes('\0');
}

function sorted(value: unknown): unknown {
	if (typeof value !== 'object' || value === null) return value;
	return Object.entries(value)
		.toSorted(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, member]) => [name, sorted(member)]);
}
