/** Whoever starts it: an ordinary user, root, and root in a place that nobody else may enter. Root alone can try all. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
	IS_ROOT,
	makePlace,
	ORDINARY_USER,
	type Place,
	readInstance,
	removePlaces,
	type User,
	up,
} from './instance.ts';
import { checkContinues, readHistory } from './log-history.ts';
import { type DatabaseTrace, databaseOf, processesOf } from './processes.ts';

afterAll(removePlaces);

const ownerOf = async (pid: number) => {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	return Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1]);
};

/** Starts twice, and answers what ran the second time. */
async function liveTwice(place: Place) {
	const first = up(place);
	await first.ready();
	const history = await readHistory(await readInstance(place));
	expect(await first.stop()).toEqual({ code: 0, signal: null });
	const second = up(place);
	await second.ready();
	await checkContinues(history, await readInstance(place));
	const processes = await processesOf(place);
	const owners = { node: await ownerOf(processes.node), database: await ownerOf(processes.database) };
	expect(await second.stop()).toEqual({ code: 0, signal: null });
	expect(await processes.stillRunning()).toEqual([]);
	return { owners, database: (await databaseOf(place)) as DatabaseTrace };
}

describe.runIf(ORDINARY_USER && process.platform === 'linux')('an instance of an ordinary user', () => {
	it('is theirs, database included', async () => {
		const user = ORDINARY_USER as User;
		const place = await makePlace({ user });
		const { owners, database } = await liveTwice(place);
		expect(owners).toEqual({ node: user.uid, database: user.uid });
		expect(database.cluster).toBe(join(place.data, 'postgres/cluster'));
		for (const path of [place.data, join(place.data, 'keys'), database.cluster]) {
			const { uid, mode } = await stat(path);
			expect([path, uid, (mode & 0o777).toString(8)]).toEqual([path, user.uid, '700']);
		}
	});
});

describe.runIf(IS_ROOT && process.platform === 'linux')('an instance of root', () => {
	it('hands its database to an account of its own, and lets that in no further than to the database', async () => {
		const place = await makePlace();
		const { owners, database } = await liveTwice(place);
		expect(owners.node).toBe(0);
		expect([0, 65534]).not.toContain(owners.database);
		expect(database.cluster).toBe(join(place.data, 'postgres/cluster'));
		expect((await stat(place.data)).mode & 0o777).toBe(0o711);
		expect((await stat(join(place.data, 'keys'))).mode & 0o777).toBe(0o700);
	});

	it('has its database elsewhere when its folder is in a place that only root may enter', async () => {
		const place = await makePlace({ isClosed: true });
		const { owners, database } = await liveTwice(place);
		expect(owners.node).toBe(0);
		expect([0, 65534]).not.toContain(owners.database);
		expect(dirname(dirname(database.cluster))).toBe('/var/lib/chancery');
		expect((await stat(database.cluster)).mode & 0o777).toBe(0o700);
	});
});
