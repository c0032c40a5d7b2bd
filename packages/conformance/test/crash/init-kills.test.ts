/**
 * `chancery init`, killed between every two files that it publishes, and run again each time: nothing that was there is made
 * a second time, and what comes out is one instance.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXAMPLES } from '@chancery/stack/bootstrap/init/example-answers';
import { afterEach, beforeEach, expect, it } from 'vitest';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
const DYING = join(import.meta.dirname, 'dying-after.ts');

/** Not irreversible: written again until the end, from what lies beside them. */
const REPEATED = /(^|\/)init\.json$/;
/** Of the process that was killed, and of no use to anybody. */
const LEFTOVER = /\.new$|(^|\/)\.[0-9a-f-]{36}\.key$/;

let base: string;
let instance: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'chancery-init-kills-'));
	instance = join(base, 'instance');
});
afterEach(() => rm(base, { recursive: true }));

function init(env: Readonly<Record<string, string>> = {}) {
	const args = ['init', '--answers', join(base, 'answers.yaml'), '--out', instance, '--json'];
	return spawnSync(CHANCERY, args, { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });
}

/** SHA-256 of each file, by its path below the instance; the lock is read by nobody. */
function files(): Map<string, string> {
	const found = readdirSync(instance, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	const paths = found
		.map(({ parentPath, name }) => join(parentPath, name))
		.filter((path) => !path.endsWith('init.lock'));
	return new Map(
		paths.map((path) => [
			path.slice(instance.length + 1),
			createHash('sha256').update(readFileSync(path)).digest('hex'),
		]),
	);
}

const published = (all: ReadonlyMap<string, string>) => [...all].filter(([path]) => !LEFTOVER.test(path));

// Separate hosts have the same files in other folders.
const KILLED = ['one-host', 'development'] as const;

it.each(KILLED)('the example %s, killed after each file, becomes one instance', async (example) => {
	await writeFile(join(base, 'answers.yaml'), EXAMPLES[example]);
	const once = new Map<string, string>();
	const isOnce = (when: string) => {
		for (const [path, hash] of published(files())) {
			if (REPEATED.test(path)) continue;
			expect(hash, `${path} ${when}`).toBe(once.get(path) ?? hash);
			once.set(path, hash);
		}
	};
	let kills = 0;
	for (;;) {
		const { status, signal, stderr } = init({ NODE_OPTIONS: `--import=${DYING}`, DIE_AFTER: '1' });
		if (signal === null) {
			expect(status, stderr).toBe(0);
			break;
		}
		expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: expect.not.stringContaining('error') });
		kills++;
		isOnce(`after kill ${kills}`);
	}
	// A file for each kill, and the record once more.
	expect(kills).toBeGreaterThan(25);
	expect(kills).toBeGreaterThanOrEqual(once.size);

	const last = init();
	expect(last.status, last.stderr).toBe(0);
	expect(last.stderr).toBe('');
	isOnce('at the end');
	const all = files();
	expect([...all.keys()].filter((path) => LEFTOVER.test(path))).toEqual([]);
	expect([...all.keys()].sort()).toEqual([...once.keys(), 'init.json'].sort());
	const { fingerprint } = JSON.parse(last.stdout);
	expect(all.get('trust/root.json')).toBe(fingerprint);
	console.info(`${kills} kills, ${once.size + 1} files`);
});
