import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audit, auditAnswer, createWorld, KEY_PEM, SCHEMA, same, textEntry, type World } from './log-world.ts';

interface Acknowledged {
	readonly text: string;
	readonly index: number;
	readonly receipt: string;
	readonly size: number;
	readonly root: string;
}

const COUNT = 60;

const HOOKS = ['beforeCommit', 'afterCommit', 'afterSign', 'beforePublish', 'afterPublish', 'afterMark'];

let world: World;
let folder: string;
let markPath: string;
let first = 0;
const acknowledged: Acknowledged[] = [];

beforeAll(async () => {
	world = await createWorld();
	folder = await mkdtemp(join(tmpdir(), 'tlog-crash-'));
	markPath = join(folder, 'state', 'mark.json');
});
afterAll(async () => {
	await world.end();
	await rm(folder, { recursive: true });
});

// A few kills; CRASH_ROUNDS=20 makes a campaign of it. One log and one mark through all of it: each kill happens to a log that has been through the ones before.
it.each(
	Array.from({ length: Number(process.env.CRASH_ROUNDS ?? 1) * HOOKS.length }, (_, i) => {
		const round = Math.floor(i / HOOKS.length);
		return [HOOKS[i % HOOKS.length]!, ((i + round) % 3) + 1] as const;
	}),
)(
	'killed at %s for the %i. time, a log loses nothing it acknowledged, doubles nothing, forks nothing',
	async (hook, nth) => {
		// 1. A process writes until it kills itself.
		const { signal, lines } = await runWriter(hook, nth, first);
		expect(signal).toBe('SIGKILL');
		acknowledged.push(...lines);

		// 2. The next start publishes what was integrated, and the mark was never ahead of the database.
		const replica = await world.open({ mark: openFileMark(markPath) });
		expect(replica.log.health()).toMatchObject({ writable: true, unpublished: 0 });
		const { leaves, tree, publishedSize } = await audit(world.database);
		expect(publishedSize).toBe(leaves.length);
		expect(new Set(leaves).size).toBe(leaves.length);
		const mark = JSON.parse(await readFile(markPath, 'utf8')) as { size: number; root: string };
		expect(mark.size).toBe(publishedSize);

		// 3. Everything that was ever acknowledged is where it was said to be, in every tree that was shown.
		for (const answer of acknowledged) {
			expect(leaves[answer.index]).toBe(answer.text);
			expect(Buffer.from(tree.root(answer.size)).toString('hex')).toBe(answer.root);
		}

		// 4. The clients try again: what was stored is found, what was not is stored, each exactly once.
		const texts = Array.from({ length: COUNT }, (_, i) => `entry ${first + i}`);
		const answers = await Promise.all(texts.map((text) => replica.log.submit(textEntry(text))));
		const after = await audit(world.database);
		expect(after.leaves).toHaveLength(first + COUNT);
		expect(answers.map((answer) => auditAnswer(answer, after.tree)).filter(Boolean)).toEqual([]);
		for (const line of lines) {
			const again = answers.find((answer) => answer.index === line.index);
			expect(again?.duplicate).toBe(true);
			expect(same(again!.receipt!, Buffer.from(line.receipt))).toBe(true);
		}
		await replica.close();
		first += COUNT;
	},
);

/** Runs the writer on the next texts; resolves with how it ended and what it had acknowledged by then. */
async function runWriter(
	hook: string,
	nth: number,
	from: number,
): Promise<{ signal: NodeJS.Signals | null; lines: Acknowledged[] }> {
	const script = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
	const args = [world.url, SCHEMA, markPath, KEY_PEM, hook, String(nth), String(from), String(COUNT)];
	const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
	let output = '';
	let complaints = '';
	child.stdout.on('data', (chunk) => {
		output += chunk;
	});
	child.stderr.on('data', (chunk) => {
		complaints += chunk;
	});
	const { promise, resolve } = Promise.withResolvers<NodeJS.Signals | null>();
	child.on('close', (_code, signal) => resolve(signal));
	const signal = await promise;
	if (signal === null) throw new Error(`the writer ended by itself: ${complaints}`);
	const lines = output.split('\n').filter((line) => line.endsWith('}'));
	return { signal, lines: lines.map((line) => JSON.parse(line) as Acknowledged) };
}
