/**
 * Secrets of every kind go through an instance of `chancery up`, and through every fault of it; afterwards they are found only in the
 * places whose purpose is to have them.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCE_EXCEPTIONS } from './exceptions.ts';
import { InstanceScenario, runInstanceScenario } from './instance-scenario.ts';
import { findLeaks, type SearchResult, summaryOf } from './leak-search.ts';
import { modeOf } from './searched-places.ts';

const SHOWN_LEAKS = 60;

/** Kinds of places; a search without one of them would prove little. */
const EVERYWHERE = [
	/^output first up stderr$/,
	/^output sign-blob, token in quotes stderr$/,
	/^answer token endpoint$/,
	/^answer of ca to version 2$/,
	/^answer of log admin \/metrics$/,
	/^answer of tuf admin \/readyz$/,
	/^answer of log v1 to a misplaced secret$/,
	/^answer of tsa admin to a malformed request$/,
	/^arguments of postgres$/,
	/^arguments of initdb$/,
	/^environment of chancery up$/,
	/^environment of (postgres|initdb)$/,
	/^rows with a code identity\.artifacts$/,
	/^rows after all requests ca\.issuance$/,
	/^rows after a restart pg_catalog\.pg_stat_activity$/,
	/^file base\/data\/chancery\.log$/,
	/^file base\/data\/instance\.json$/,
	/^file base\/data\/trust\/trusted_root\.json$/,
	/^file base\/data\/postgres\/postgres\.log$/,
	/^file base\/data\/postgres\/cluster\/pg_wal\//,
	/^file base\/state\/chancery\//,
	/^file names of base$/,
];

let scenario: InstanceScenario;
let result: SearchResult;

beforeAll(async () => {
	scenario = await InstanceScenario.begin();
	await runInstanceScenario(scenario);
	result = await findLeaks(scenario.registry.secrets, scenario.searchedPlaces(), INSTANCE_EXCEPTIONS);
});

afterAll(async () => {
	await scenario?.end();
});

it('leaves no secret where none belongs', () => {
	expect(summaryOf(result.leaks).slice(0, SHOWN_LEAKS)).toEqual([]);
});

it('needs every exception', () => {
	expect(result.unneeded.map(({ because }) => because)).toEqual([]);
});

it('looked everywhere', () => {
	expect(EVERYWHERE.filter((place) => !result.places.some((one) => place.test(one)))).toEqual([]);
	expect(result.bytes).toBeGreaterThan(30_000_000);
});

it('went through what works, and through what does not', () => {
	const exits = [...scenario.exits];
	const worked = exits.filter(([, code]) => code === 0).map(([name]) => name);
	expect(worked.sort()).toEqual(
		[
			...['attest-blob', 'log audit', 'sign-blob', 'sign-blob --json', 'verify-blob'],
			...['token', 'token --json', 'token for the command line'],
		].sort(),
	);
	expect(exits.filter(([, code]) => code !== 0 && code !== 1 && code !== 2)).toEqual([]);
	for (const status of [200, 201, 303, 400, 401, 404, 405, 415, 422, 431, 503])
		expect([status, scenario.recorder.statuses.has(status)]).toEqual([status, true]);
});

describe('what holds a secret is closed to others', () => {
	it.each([
		['.', process.geteuid?.() === 0 ? '0711' : '0700'],
		['keys', '0700'],
		['chancery.json', '0600'],
		['chancery.log', '0600'],
		['trust', '0700'],
		['postgres/postgres.log', '0600'],
		['postgres/cluster', '0700'],
	])('%s', (path, mode) => {
		expect(scenario.modes.get(path)).toBe(mode);
	});

	it('every key file', () => {
		const files = [...scenario.modes].filter(([path]) => /^keys\/(?!.*-chain\.pem$)/.test(path));
		expect(files.length).toBeGreaterThan(11);
		for (const [path, mode] of files) expect([path, mode]).toEqual([path, '0600']);
	});

	it('the marks, and the folder of the socket', async () => {
		expect(scenario.runtimeDirMode).toBe('0700');
		const instances = join(scenario.base, 'state/chancery');
		for (const id of await readdir(instances)) expect(await modeOf(join(instances, id))).toBe('0700');
	});
});

it('no process writes reports or dumps of its memory by itself', () => {
	expect(
		result.places.filter((place) => /(^|\/)(core(\.\d+)?|report\.[^/]*\.json|[^/]*\.heapsnapshot)$/.test(place)),
	).toEqual([]);
	for (const { place, bytes } of scenario.watch.searchedPlaces())
		if (place.startsWith('arguments of chancery')) expect(String(bytes)).not.toMatch(/--(report|heap|abort|inspect)/);
});
