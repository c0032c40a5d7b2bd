/** A root that an operator has retired at the CT log of an instance: no start of the instance takes that back by itself. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePlace, type Place, readInstance, removePlaces, up } from './instance.ts';

let place: Place;
beforeAll(async () => {
	place = await makePlace();
	const run = up(place);
	await run.ready();
	const admin = await ctlogAdmin();
	const { secrets } = JSON.parse(await readFile(join(place.data, 'chancery.json'), 'utf8'));
	const ask = async (token: string, path: string, body?: object) =>
		fetch(`${admin}/admin/v1/roots${path}`, {
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
		});
	const { roots } = (await (await ask(secrets.service, '')).json()) as { roots: { sha256: string }[] };
	const path = `/${roots[0]?.sha256}/retire`;
	expect((await ask(secrets.service, path, { reason: 'stolen' })).status).toBe(403);
	expect((await ask(secrets.operator, path, { reason: 'stolen' })).status).toBe(200);
	expect(await acceptedRoots()).toEqual([]);
	expect(await run.stop()).toMatchObject({ code: 0 });
});
afterAll(removePlaces);

async function ctlogAdmin(): Promise<string> {
	const lines = (await readFile(join(place.data, 'chancery.log'), 'utf8')).trimEnd().split('\n');
	const listening = lines
		.map((line) => JSON.parse(line) as Record<string, string>)
		.findLast(({ service, listener, msg }) => service === 'ctlog' && listener === 'admin' && msg === 'listening');
	return listening?.url ?? '';
}

async function acceptedRoots(): Promise<string[]> {
	const { services } = await readInstance(place);
	return ((await (await fetch(`${services.ctlog?.url}/ct/v1/get-roots`)).json()) as { certificates: string[] })
		.certificates;
}

it('keeps the instance from starting, in one line that says who retired it, why, and what to do', async () => {
	const run = up(place, ['--once']);
	expect(await run.ended).toEqual({ code: 1, signal: null });
	expect(run.stderr).toMatch(
		/^error: the CT log does not accept the root .* retired at 20.* by up \(stolen\).*--reinstate-root$/m,
	);
	expect(run.stderr).not.toMatch(/^ +at /m);
});

it('is accepted again when a start is told so, and stays accepted', async () => {
	expect(await up(place, ['--once', '--reinstate-root']).ended).toEqual({ code: 0, signal: null });
	const run = up(place);
	await run.ready();
	expect(await acceptedRoots()).toHaveLength(1);
	await run.stop();
});
