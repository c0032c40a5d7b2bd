import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
	bundleOf,
	checkpointText,
	ECDSA_PEM,
	ecdsaNote,
	ed25519Note,
	leafHashOf,
	type Objects,
	ORIGIN,
	PEM,
	rootOf,
	spelled,
	textLeaves,
	tileLog,
	treeHeadNote,
	VKEY,
} from '../../test/tile-log.ts';
import { parseLogKey } from './log-key.ts';
import { auditTileLog } from './tile-log-audit.ts';

async function audit(objects: ReadonlyMap<string, Uint8Array>, key = VKEY, origin?: string) {
	const read = async (path: string) => objects.get(path);
	const report = await auditTileLog({ read, key: parseLogKey(key), origin });
	return { ...report, lines: report.findings.map(({ where, problem }) => `${where}: ${problem}`) };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const at = <T>(list: readonly T[], index: number): T => list[index] as T;

/** Changes one byte of an object. */
function flip(objects: Objects, path: string, offset: number): void {
	const bytes = Uint8Array.from(objects.get(path) ?? []);
	if (offset >= bytes.length) throw new Error(`${path} has ${bytes.length} bytes`);
	bytes[offset]! ^= 1;
	objects.set(path, bytes);
}

/** Three levels of tiles. Made once: it takes a second. */
const large: ReadonlyMap<string, Uint8Array> = tileLog(textLeaves(65_800));

describe('a correct log', () => {
	it.each([0, 1, 255, 256, 257, 511, 700])('of %i entries passes', async (size) => {
		const leaves = textLeaves(size);
		const report = await audit(tileLog(leaves));
		expect(report).toMatchObject({ origin: ORIGIN, size, lines: [], count: 0 });
		expect(report.root).toBe(hex(rootOf(leaves.map(leafHashOf))));
	});

	it('of three levels of tiles passes', async () => {
		expect(await audit(large)).toMatchObject({ size: 65_800, lines: [] });
	});

	it('passes when it has grown, and full tiles stand where partial ones were', async () => {
		const objects = tileLog(textLeaves(1024));
		const older = tileLog(textLeaves(700));
		objects.set('checkpoint', older.get('checkpoint')!);
		// Of the higher levels the partial ones stay until their tile is full.
		objects.set('tile/1/000.p/2', older.get('tile/1/000.p/2')!);
		expect((await audit(objects)).lines).toEqual([]);
	});

	it('passes with a PEM key, with and without the origin', async () => {
		const objects = tileLog(textLeaves(3));
		expect((await audit(objects, PEM)).lines).toEqual([]);
		expect((await audit(objects, PEM, ORIGIN)).lines).toEqual([]);
	});

	it('passes with the ECDSA note of the v1 wire, whose key has another name than its origin', async () => {
		const leaves = textLeaves(3);
		const objects = tileLog(leaves);
		const origin = 'log.example - 123';
		objects.set('checkpoint', ecdsaNote(checkpointText(3, rootOf(leaves.map(leafHashOf)), origin), 'log.example'));
		expect(await audit(objects, ECDSA_PEM)).toMatchObject({ origin, lines: [] });
	});
});

const SIZE = 700;
const tile = (level: number, index: number) =>
	`tile/${level}/${spelled(index)}${level === 0 && index < 2 ? '' : level === 0 ? '.p/188' : '.p/2'}`;

describe('one changed byte is one finding, at its place:', () => {
	/** Entries are `entry N` behind two bytes of length. */
	const inEntry = (index: number) => {
		const before = textLeaves(index).slice(Math.floor(index / 256) * 256);
		return before.reduce((sum, leaf) => sum + 2 + leaf.length, 0) + 2;
	};

	it.each([0, 1, 255, 256, 300, 511, 512, 699])('in entry %i', async (index) => {
		const objects = tileLog(textLeaves(SIZE));
		const bundle = index < 512 ? `tile/entries/${spelled(Math.floor(index / 256))}` : 'tile/entries/002.p/188';
		flip(objects, bundle, inEntry(index));
		const { lines } = await audit(objects);
		expect(lines).toHaveLength(1);
		expect(lines[0]).toMatch(
			new RegExp(`^entry ${index}: its leaf hash is [0-9a-f]{64}, the tree has [0-9a-f]{64} there$`),
		);
		expect(lines[0]).toContain(hex(leafHashOf(at(textLeaves(SIZE), index))));
	});

	it.each([
		[0, 0],
		[0, 44],
		[1, 255],
		[2, 187],
	])('in tile 0/%i, hash %i', async (index, offset) => {
		const objects = tileLog(textLeaves(SIZE));
		flip(objects, tile(0, index), offset * 32 + 7);
		const { lines } = await audit(objects);
		expect(lines).toHaveLength(1);
		expect(lines[0]).toMatch(
			new RegExp(
				`^${tile(0, index)}: hash ${offset} is .*, entry ${index * 256 + offset} hashes to .*agrees with the entry$`,
			),
		);
	});

	it('in the partial tile of level 1', async () => {
		const objects = tileLog(textLeaves(SIZE));
		flip(objects, tile(1, 0), 32);
		const { lines } = await audit(objects);
		expect(lines).toEqual([
			expect.stringMatching(/^tile\/1\/000\.p\/2: hash 1 is .*, tile\/0\/001 makes .* the latter$/),
		]);
	});

	it.each([
		['tile/1/000', 5 * 32, /^tile\/1\/000: hash 5 is .*, tile\/0\/005 makes/],
		['tile/2/000.p/1', 3, /^tile\/2\/000\.p\/1: hash 0 is .*, tile\/1\/000 makes/],
		['tile/1/001.p/1', 31, /^tile\/1\/001\.p\/1: hash 0 is .*, tile\/0\/256 makes/],
		['tile/0/256', 32, /^tile\/0\/256: hash 1 is .*, entry 65537 hashes to/],
		['tile/entries/200', 43, /^entry 51203: its leaf hash is/],
	])('in %s of three levels', async (path, offset, expected) => {
		const objects = new Map(large);
		flip(objects, path, offset);
		expect((await audit(objects)).lines).toEqual([expect.stringMatching(expected)]);
	});

	it('in every byte of the checkpoint', async () => {
		const objects = tileLog(textLeaves(5));
		const { length } = objects.get('checkpoint')!;
		for (let offset = 0; offset < length; offset++) {
			const changed = new Map(objects);
			flip(changed, 'checkpoint', offset);
			const { lines, size } = await audit(changed);
			expect(lines).toEqual([expect.stringMatching(/^checkpoint: /)]);
			expect(size).toBeUndefined();
		}
	});
});

describe('is found and named:', () => {
	const cases: [what: string, change: (objects: Objects) => void, expected: readonly RegExp[]][] = [
		[
			'two entries in the wrong order',
			(objects) => {
				const leaves = textLeaves(256);
				[leaves[10], leaves[20]] = [at(leaves, 20), at(leaves, 10)];
				objects.set('tile/entries/000', bundleOf(leaves));
			},
			[/^entry 10: .* belongs to index 20\)$/, /^entry 20: .* belongs to index 10\)$/],
		],
		['a missing bundle', (o) => o.delete('tile/entries/001'), [/^tile\/entries\/001: is missing$/]],
		['a missing tile', (o) => o.delete('tile/0/001'), [/^tile\/0\/001: is missing$/]],
		['a missing partial tile', (o) => o.delete('tile/0/002.p/188'), [/^tile\/0\/002\.p\/188: is missing$/]],
		['a missing tile of level 1', (o) => o.delete('tile/1/000.p/2'), [/^tile\/1\/000\.p\/2: is missing$/]],
		[
			'a bundle and its tile missing together',
			(o) => {
				o.delete('tile/entries/000');
				o.delete('tile/0/000');
			},
			[/^tile\/entries\/000: is missing$/, /^tile\/0\/000: is missing$/],
		],
		[
			'a bundle that is cut off inside an entry',
			(o) => o.set('tile/entries/001', o.get('tile/entries/001')!.slice(0, -3)),
			[/^tile\/entries\/001: cannot be read from entry 511 on: .*cut off/],
		],
		[
			'a bundle that ends early',
			(o) => o.set('tile/entries/001', bundleOf(textLeaves(511).slice(256))),
			[/^tile\/entries\/001: holds 255 entries, the tree has 256 there: 511 is missing$/],
		],
		[
			'a bundle with an entry too many',
			(o) => o.set('tile/entries/002.p/188', bundleOf(textLeaves(701).slice(512))),
			[/^tile\/entries\/002\.p\/188: holds 189 entries, expected are 188$/],
		],
		[
			'a tile that is cut off',
			(o) => o.set('tile/0/000', o.get('tile/0/000')!.slice(0, 8000)),
			[/^tile\/0\/000: has 8000 bytes, 256 hashes have 8192$/],
		],
		[
			'an entry that was changed together with its tile',
			(o) => {
				const leaves = textLeaves(256);
				leaves[7] = Buffer.from('forged');
				o.set('tile/entries/000', bundleOf(leaves));
				o.set('tile/0/000', Buffer.concat(leaves.map(leafHashOf)));
			},
			[/^tile\/0\/000: its hashes make .*, tile\/1\/000\.p\/2 has .* for it$/],
		],
		[
			'a checkpoint that was signed over another tree',
			(o) => o.set('checkpoint', ed25519Note(checkpointText(SIZE, leafHashOf(Buffer.from('another'))))),
			[/^root: the 700 entries make root [0-9a-f]{64}, the checkpoint says root [0-9a-f]{64}$/],
		],
		['no checkpoint', (o) => o.delete('checkpoint'), [/^checkpoint: is missing$/]],
		[
			'two unrelated damages',
			(o) => {
				o.delete('tile/entries/001');
				flip(o, 'tile/0/000', 0);
			},
			[/^tile\/entries\/001: is missing$/, /^tile\/0\/000: hash 0 is/],
		],
	];
	it.each(cases)('%s', async (_what, change, expected) => {
		const objects = tileLog(textLeaves(SIZE));
		change(objects);
		const { lines } = await audit(objects);
		expect(lines).toHaveLength(expected.length);
		for (const line of expected) expect(lines).toContainEqual(expect.stringMatching(line));
	});

	it('another log, told once per tile and not once per entry', async () => {
		const objects = tileLog(Array.from({ length: SIZE }, (_, i) => Buffer.from(`other ${i}`)));
		objects.set('checkpoint', tileLog(textLeaves(SIZE)).get('checkpoint')!);
		expect((await audit(objects)).lines).toEqual([expect.stringMatching(/^root: /)]);
		for (const [path, bytes] of tileLog(textLeaves(SIZE))) if (!path.includes('entries')) objects.set(path, bytes);
		const { lines } = await audit(objects);
		expect(lines.length).toBeLessThanOrEqual(3 * 9);
		expect(lines).toContainEqual(expect.stringMatching(/^tile\/0\/000: 248 more of its 256 hashes differ/));
	});

	it('a key of somebody else, another origin, and a key for another log', async () => {
		const objects = tileLog(textLeaves(3));
		expect((await audit(objects, ECDSA_PEM)).lines).toEqual([expect.stringMatching(/^checkpoint: .*no known key/)]);
		expect((await audit(objects, VKEY, 'other.example')).lines).toEqual([
			expect.stringMatching(/^checkpoint: .*its origin is 'log\.example\/audited', expected was 'other\.example'/),
		]);
	});
});

describe('a static CT log', () => {
	const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
	const opaque24 = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0]), u16(bytes.length), bytes]);
	const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
	const issuer = Buffer.from('certificate of an authority');
	const timestamped = Array.from({ length: 300 }, (_, i) => {
		const time = Buffer.alloc(8);
		time.writeBigUInt64BE(BigInt(1_700_000_000_000 + i));
		const body =
			i % 2 === 0
				? [u16(0), opaque24(Buffer.from(`certificate ${i}`))]
				: [u16(1), sha256(issuer), opaque24(Buffer.from(`tbs ${i}`))];
		return Buffer.concat([time, ...body, u16(0)]);
	});
	const leaves = timestamped.map((entry) => Buffer.concat([u16(0), entry]));
	const dataTile = (part: readonly Uint8Array[]) =>
		Buffer.concat(
			part.flatMap((leaf) => {
				const isPrecert = leaf[11] === 1;
				return [
					leaf.subarray(2),
					...(isPrecert ? [opaque24(Buffer.from('precertificate'))] : []),
					u16(32),
					sha256(issuer),
				];
			}),
		);
	const ctLog = () => {
		const objects = tileLog(leaves, dataTile, 'data');
		objects.set('checkpoint', treeHeadNote(300, rootOf(leaves.map(leafHashOf)), 1_800_000_000_000));
		objects.set(`issuer/${hex(sha256(issuer))}`, issuer);
		return objects;
	};

	it('passes', async () => {
		expect(await audit(ctLog(), ECDSA_PEM)).toMatchObject({ size: 300, lines: [] });
	});

	it.each([
		['an entry', (o: Objects) => flip(o, 'tile/data/000', 14), /^entry 0: its leaf hash is/],
		[
			'an entry of no known type',
			(o: Objects) => flip(o, 'tile/data/000', 8),
			/cannot be read from entry 0 on: .*type 256/,
		],
		['the time of the tree head', (o: Objects) => o.set('checkpoint', forged(o)), /^checkpoint: /],
		[
			'a certificate that is not there',
			(o: Objects) => o.delete(`issuer/${hex(sha256(issuer))}`),
			/^issuer\/.*: is missing/,
		],
		[
			'a changed certificate',
			(o: Objects) => flip(o, `issuer/${hex(sha256(issuer))}`, 0),
			/^issuer\/.*: holds something/,
		],
	])('is refused for %s', async (_what, change, expected) => {
		const objects = ctLog();
		change(objects);
		expect((await audit(objects, ECDSA_PEM)).lines).toEqual([expect.stringMatching(expected)]);
	});

	/** Another time under the same signature. */
	function forged(objects: Objects): Uint8Array {
		const lines = Buffer.from(objects.get('checkpoint')!).toString().split('\n');
		const words = at(lines, 4).split(' ');
		const line = Buffer.from(at(words, 2), 'base64');
		line[11]! ^= 1;
		words[2] = line.toString('base64');
		lines[4] = words.join(' ');
		return Buffer.from(lines.join('\n'));
	}
});

describe('a key', () => {
	it.each([
		['empty', ''],
		['a name', 'log.example'],
		['a verifier key with another hash', VKEY.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
		['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
		['two keys', PEM + ECDSA_PEM],
		['a key that is no key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
	])('is refused that is %s', (_what, text) => {
		expect(() => parseLogKey(text)).toThrow(
			expect.objectContaining({ name: expect.stringMatching(/FormatError|NoteError/) }),
		);
	});
});
