import { createHash } from 'node:crypto';
import { formatCheckpoint } from '@chancery/core/checkpoint';
import { hashLeaf, hashNode } from '@chancery/core/merkle';
import { ecdsaKeyHash, ed25519KeyHash, formatNote } from '@chancery/core/note';
import { parseSpki } from '@chancery/core/spki';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { describe, expect, it } from 'vitest';
import { LOG_ENTRIES } from '../load/log-entries.ts';
import type { LogWire } from '../load/workloads.ts';
import { AnswerJudge } from './answers.ts';
import { logKey } from './checkpoint.ts';
import { LogHistory } from './history.ts';

const NAME = 'log.test';
const ORIGIN = `${NAME} - 7`;
const v1Signer = generateSigner('ecdsa-sha2-256-nistp256');
const v2Signer = generateSigner('ed25519');

/** The answer of a log with two entries, of which ours is the second. */
async function answerOf(wire: LogWire, text: string) {
	const leaf = Buffer.from(text);
	const sibling = hashLeaf(Buffer.from('another'));
	const root = hashNode(sibling, hashLeaf(leaf));
	const signer: Signer = wire === 'v1' ? v1Signer : v2Signer;
	const origin = wire === 'v1' ? ORIGIN : NAME;
	const keyHash =
		wire === 'v1' ? ecdsaKeyHash(signer.publicKey) : ed25519KeyHash(NAME, parseSpki(signer.publicKey).ed25519!);
	const head = formatCheckpoint({ origin, size: 2, root });
	const signature = await signer.sign(Buffer.from(head));
	const note = formatNote(head, [{ name: NAME, keyHash: keyHash.slice(0, 4), signature }]);
	const judge = new AnswerJudge(wire, logKey({ origin, name: NAME, publicKey: signer.publicKey }));
	if (wire === 'v2') {
		const answer = {
			logIndex: '1',
			inclusionProof: {
				logIndex: '1',
				rootHash: Buffer.from(root).toString('base64'),
				treeSize: '2',
				hashes: [Buffer.from(sibling).toString('base64')],
				checkpoint: { envelope: note },
			},
			canonicalizedBody: leaf.toString('base64'),
		};
		return { judge, text: JSON.stringify(answer) };
	}
	const logID = createHash('sha256').update(signer.publicKey).digest('hex');
	const promise = { body: leaf.toString('base64'), integratedTime: 1_700_000_000, logID, logIndex: 1 };
	const content = {
		...promise,
		verification: {
			inclusionProof: {
				checkpoint: note,
				hashes: [Buffer.from(sibling).toString('hex')],
				logIndex: 1,
				rootHash: Buffer.from(root).toString('hex'),
				treeSize: 2,
			},
			signedEntryTimestamp: Buffer.from(await signer.sign(Buffer.from(JSON.stringify(promise)))).toString('base64'),
		},
	};
	const id = `0000000000000007${Buffer.from(hashLeaf(leaf)).toString('hex')}`;
	return { judge, text: JSON.stringify({ [id]: content }) };
}

describe.each(['v1', 'v2'] as const)('an answer on the %s wire', (wire) => {
	const { leaf } = LOG_ENTRIES[`${wire}-hashedrekord`]();

	it('passes when it proves the leaf that was submitted', async () => {
		const { judge, text } = await answerOf(wire, leaf);
		expect(judge.judge({ leaf }, Buffer.from(text))).toMatchObject({ index: 1, head: { size: 2 } });
	});

	it('is refused for another leaf, though everything about that one is proven', async () => {
		const { judge, text } = await answerOf(wire, leaf);
		const { leaf: other } = LOG_ENTRIES[`${wire}-hashedrekord`]();
		expect(judge.judge({ leaf: other }, Buffer.from(text))).toMatch(/not the one that was submitted/);
	});

	it('is refused with any of its characters changed that carries meaning', async () => {
		const { judge, text } = await answerOf(wire, leaf);
		// The tree id in an entry's name, what follows a base64 value's last full byte, and names of members are not claims.
		const digits = text.matchAll(
			/"(?:logIndex|treeSize|integratedTime|rootHash|canonicalizedBody|body|signedEntryTimestamp|checkpoint|envelope|hashes)":(?:\["|"|)([^"\]]{1,})/g,
		);
		let changed = 0;
		for (const match of digits) {
			const start = (match.index ?? 0) + match[0].length - match[1]!.length;
			for (let at = start; at < start + match[1]!.length - 4; at += 5) {
				if (!/[A-Za-z0-9]/.test(text[at]!) || text[at - 1] === '\\') continue;
				const mangled = `${text.slice(0, at)}${text[at] === '1' ? '2' : '1'}${text.slice(at + 1)}`;
				expect(typeof judge.judge({ leaf }, Buffer.from(mangled)), mangled.slice(at - 20, at + 20)).toBe('string');
				changed++;
			}
		}
		expect(changed).toBeGreaterThan(100);
	});

	it('is refused when it is cut off, empty or something else', async () => {
		const { judge, text } = await answerOf(wire, leaf);
		for (const body of ['', '{}', 'null', '[]', text.slice(0, -1)])
			expect(typeof judge.judge({ leaf }, Buffer.from(body)), body).toBe('string');
	});
});

describe('what a log says over time', () => {
	const leaf = (i: number) => Buffer.from(`leaf ${i}`);
	const root = Buffer.from(hashNode(hashLeaf(leaf(0)), hashLeaf(leaf(1)))).toString('hex');
	const first = { index: 0, leaf: leaf(0), head: { size: 2, root } };

	it('is one growing tree when its leaves make every root', () => {
		const history = new LogHistory();
		expect([...history.add(first), ...history.add({ ...first, index: 1, leaf: leaf(1) })]).toEqual([]);
		expect(history.replay()).toEqual([]);
		expect(history.isComplete).toBe(true);
	});

	it('is a fault when an index is given out twice, at once or later', () => {
		const history = new LogHistory();
		history.add(first);
		expect(history.add({ ...first, leaf: leaf(5) })).toHaveLength(1);
		history.replay();
		expect(history.add({ ...first, leaf: leaf(5) })).toHaveLength(1);
	});

	it('is a fault when one size has two roots', () => {
		const history = new LogHistory();
		history.add(first);
		expect(history.add({ index: 1, leaf: leaf(1), head: { size: 2, root: root.replace(/^./, 'x') } })).toHaveLength(1);
	});

	it('is a fault when the leaves make another root than a checkpoint says', () => {
		const history = new LogHistory();
		history.add(first);
		history.add({ ...first, index: 1, leaf: leaf(7) });
		expect(history.replay()).toHaveLength(1);
	});

	it('is not complete while a leaf is missing', () => {
		const history = new LogHistory();
		history.add({ ...first, index: 1, leaf: leaf(1) });
		history.replay();
		expect(history.isComplete).toBe(false);
	});
});
