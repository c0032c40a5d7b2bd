/** What an instance makes has the same modes whatever the umask of its shell: none is closed, none is opened by it. */
import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { IS_ROOT, makePlace, ORDINARY_USER, type Place, type PlaceOptions, removePlaces, up } from './instance.ts';
import { type DatabaseTrace, databaseOf } from './processes.ts';

afterAll(removePlaces);

/** Folders that are closed to others themselves, and whose content other programs make. */
const CLOSED = ['./data/trust/tuf-cache', './data/postgres/cluster'];

/** Path and mode of everything below the place, also of what lies in the home. */
function modesOf({ base }: Place): string[] {
	const prune = CLOSED.flatMap((path) => ['-path', path, '-printf', '%P %m\\n', '-prune', '-o']);
	const args = ['.', '-mindepth', '1', '-path', './checkout', '-prune', '-o', ...prune, '-printf', '%P %m\\n'];
	const lines = execFileSync('find', args, { cwd: base, encoding: 'utf8' }).trim().split('\n');
	// Marks lie in a folder named after the instance, and SQLite's lock files come and go.
	return lines.map((line) => line.replace(/[0-9a-f]{32}/, 'ID')).sort();
}

async function live(umask: string, options: PlaceOptions): Promise<Place> {
	const place = await makePlace(options);
	for (const args of [['--once'], ['--once']]) {
		const run = up(place, args, { umask });
		await run.ready();
		expect(await run.ended).toEqual({ code: 0, signal: null });
	}
	return place;
}

const WHO: [who: string, options: PlaceOptions][] = [];
if (IS_ROOT) WHO.push(['root', {}]);
if (IS_ROOT) WHO.push(['root, in a place that only root may enter', { isClosed: true }]);
if (ORDINARY_USER) WHO.push(['an ordinary user', { user: ORDINARY_USER }]);
if (!IS_ROOT) WHO.push(['the user of the tests', {}]);

describe.each(WHO)('an instance of %s', (_, options) => {
	it('starts, and makes the same modes, under the umasks 022, 077 and 000', async () => {
		const expected = modesOf(await live('022', options));
		expect(expected).toContain('data/instance.json 644');
		for (const umask of ['077', '000']) {
			const place = await live(umask, options);
			expect(modesOf(place)).toEqual(expected);
			const { cluster, isOutside } = (await databaseOf(place)) as DatabaseTrace;
			expect((await stat(cluster)).mode & 0o7777).toBe(0o700);
			if (!isOutside) continue;
			expect((await stat('/var/lib/chancery')).mode & 0o7777).toBe(0o755);
			expect((await stat(join(cluster, '..'))).mode & 0o7777).toBe(0o711);
		}
	});
});
