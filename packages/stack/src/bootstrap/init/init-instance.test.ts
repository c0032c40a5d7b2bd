import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAnswers } from './answers.ts';
import { EXAMPLES } from './example-answers.ts';
import { initInstance } from './init-instance.ts';
import { plannedFiles } from './planned-files.ts';

let base: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'chancery-init-'));
});
afterEach(() => rm(base, { recursive: true }));

const NOW_MS = Date.UTC(2026, 10, 30);

async function answersOf(text: string) {
	const path = join(base, 'answers.yaml');
	await writeFile(path, text);
	return readAnswers(path);
}

async function init(text: string, folder = join(base, 'instance')) {
	const made: string[] = [];
	const onStep = (path: string) => void made.push(path);
	const outcome = await initInstance({ folder, answers: await answersOf(text), nowMs: NOW_MS, onStep });
	if (outcome.state !== 'made') throw new Error('the instance waits for certificates');
	return { ...outcome, made };
}

describe.each(Object.entries(EXAMPLES))('the example %s', (_, text) => {
	it('becomes an instance with the modes that were told, once', async () => {
		const folder = join(base, 'instance');
		const { made, fingerprint } = await init(text);
		expect(made.length).toBeGreaterThan(20);
		for (const { path, mode } of plannedFiles(folder, await answersOf(text)))
			expect(((await stat(join(folder, path))).mode & 0o777).toString(8).padStart(4, '0'), path).toBe(mode);
		const again = await init(text);
		expect(again.made).toEqual([]);
		expect(again.fingerprint).toBe(fingerprint);
	});
});

it('nothing of a production instance is marked as development', async () => {
	const { configurations } = await init(EXAMPLES['one-host']);
	const texts = await Promise.all(
		[...configurations, join(base, 'instance/chains/ca.pem')].map((p) => readFile(p, 'utf8')),
	);
	expect(texts.join('')).not.toMatch(/development/i);
});

it('an address that is in certificates and logs does not change, and an edited file is left alone', async () => {
	const { configurations } = await init(EXAMPLES['one-host']);
	const moved = EXAMPLES['one-host'].replace('https://ca.sign', 'https://ca2.sign');
	await expect(init(moved)).rejects.toThrow(/urls was .*ca\.sign.* is .*ca2\.sign/);
	const [path] = configurations;
	await writeFile(path as string, `${await readFile(path as string, 'utf8')}# mine\n`);
	await expect(init(EXAMPLES['one-host'].replace('7420', '7460'))).rejects.toThrow(/was edited since it was made/);
});

it.each([
	['a misspelt key', 'organization:', 'organisation:', /unknown key 'organisation'; did you mean 'organization'/],
	['a plain address', 'https://ca.', 'http://ca.', /is not https, which production refuses/],
	['an address with a path', 'https://ca.sign.example.com', 'https://ca.sign.example.com/ca', /expected an origin/],
	['a missing address', / {2}tsa: .*\n/, '', /urls: tsa missing/],
	['nobody who could sign', /issuers:.*?listen:/s, 'listen:', /issuers: nobody could sign/],
	[
		'a password in the open',
		'postgres:///chancery',
		'postgres://me:pa55@db/chancery',
		/^(?!.*pa55).*holds a password/s,
	],
	['no YAML', 'profile:', 'profile: {', /answers\.yaml:\d+ is not valid YAML/],
])('answers with %s are refused, and nothing is made', async (_, from, to, words) => {
	await expect(init(EXAMPLES['one-host'].replace(from, to))).rejects.toThrow(words);
	await expect(stat(join(base, 'instance'))).rejects.toThrow('ENOENT');
});

it('a folder that holds something else is left as it is', async () => {
	await writeFile(join(base, 'note.txt'), '');
	await expect(init(EXAMPLES['one-host'], base)).rejects.toThrow(
		/holds no instance \(no init\.json\) and is not empty/,
	);
});
