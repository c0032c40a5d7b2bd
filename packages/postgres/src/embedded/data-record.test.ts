import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../../test/supervised.ts';
import { type DataRecord, readRecord, writeRecord } from './data-record.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let dataDir: string;
beforeEach(async () => {
	dataDir = await makeFolder(cleanUps);
});

const RECORD: DataRecord = {
	instance: '0123456789abcdef',
	cluster: '/var/lib/chancery/x/cluster',
	initialized: true,
	runtimeDir: '/tmp/chancery-1-0',
	account: { name: 'chancery-db1', uid: 999, gid: 995 },
	formerOwner: 65534,
};

it('comes back as it was written, from a private file and without a draft beside it', async () => {
	await writeRecord(dataDir, RECORD);
	expect(await readRecord(dataDir)).toEqual(RECORD);
	expect((await stat(join(dataDir, 'embedded.json'))).mode & 0o777).toBe(0o600);
	expect(await readdir(dataDir)).toEqual(['embedded.json']);
});

it('is made up with a new random name where there is none', async () => {
	const [a, b] = [await readRecord(dataDir), await readRecord(dataDir)];
	expect(a).toMatchObject({ cluster: null, initialized: false, runtimeDir: null, account: null, formerOwner: null });
	expect(a.instance).toMatch(/^[0-9a-f]{16}$/);
	expect(a.instance).not.toBe(b.instance);
});

it('of the first version, which knew no accounts, is read', async () => {
	const { account: _account, formerOwner: _formerOwner, ...first } = RECORD;
	await writeFile(join(dataDir, 'embedded.json'), JSON.stringify(first));
	expect(await readRecord(dataDir)).toEqual({ ...first, account: null, formerOwner: null });
});

it('of any one byte changed is refused by its own error or read as a record', async () => {
	await writeRecord(dataDir, RECORD);
	const path = join(dataDir, 'embedded.json');
	const bytes = await readFile(path);
	let refused = 0;
	for (let at = 0; at < bytes.length; at++) {
		const mangled = Uint8Array.from(bytes);
		mangled[at] = (at * 37) % 256;
		await writeFile(path, mangled);
		const outcome = await readRecord(dataDir).catch((error: unknown) => error);
		if (outcome instanceof Error) {
			expect(outcome).toBeInstanceOf(EmbeddedPostgresError);
			refused++;
		} else expect(Object.keys(outcome as object).sort()).toEqual(Object.keys(RECORD).sort());
	}
	expect(refused).toBeGreaterThan(bytes.length / 2);
});

const FIELDS = '"instance":"0123456789abcdef","cluster":null,"initialized":false,"runtimeDir":null';

it.each([
	'',
	'null',
	'[]',
	'1',
	'{}',
	'{"instance":"../../etc","cluster":null,"initialized":false,"runtimeDir":null}',
	`{${FIELDS},"account":{"name":"root","uid":0,"gid":0}}`,
	`{${FIELDS},"account":{"name":"a b","uid":1,"gid":1}}`,
	`{${FIELDS},"formerOwner":0}`,
])('is not read from %j', async (text) => {
	await writeFile(join(dataDir, 'embedded.json'), text);
	await expect(readRecord(dataDir)).rejects.toMatchObject({ code: 'no-usable-folder' });
});
