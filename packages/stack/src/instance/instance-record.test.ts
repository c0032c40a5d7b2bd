import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { existingDataFolder } from './data-folder.ts';
import { readInstanceRecord } from './instance-record.ts';
import { Refusal } from './refusal.ts';

const folder = existingDataFolder(mkdtempSync(join(tmpdir(), 'chancery-record-')));
afterAll(() => rmSync(folder.path, { recursive: true }));

const SECRET = '07'.repeat(32);
const RECORD = {
	format: 1,
	profile: 'development',
	id: '07'.repeat(16),
	portBase: 7400,
	treeId: '9223372036854775807',
	createdAt: '2026-02-28T23:59:59.999Z',
	secrets: { developmentToken: SECRET, operator: SECRET, service: SECRET },
};

function read(record: object) {
	writeFileSync(folder.record, JSON.stringify(record));
	return readInstanceRecord(folder);
}

describe('the record of an instance', () => {
	it('is read as it was written', async () => {
		expect(await read(RECORD)).toEqual(RECORD);
	});

	it.each([
		['ports that there are not', { portBase: 65527 }],
		['ports of the system', { portBase: 80 }],
		['a tree id beyond int64', { treeId: '9223372036854775808' }],
		['a secret that was cut off', { secrets: { ...RECORD.secrets, service: SECRET.slice(1) } }],
		['a secret that no header can carry', { secrets: { ...RECORD.secrets, operator: `${SECRET}\n` } }],
	])('with %s is refused', async (_, spoilt) => {
		await expect(read({ ...RECORD, ...spoilt })).rejects.toBeInstanceOf(Refusal);
	});

	it('of a newer version is refused by its format', async () => {
		await expect(read({ ...RECORD, format: 2, added: true })).rejects.toThrow(
			`${folder.record} has format 2, and this program knows only 1: it is older than the data folder`,
		);
		await expect(read({ ...RECORD, format: 0 })).rejects.toThrow('is not the record of an instance');
	});
});
