/**
 * Secrets of every kind go through services that run as an operator runs them, with a database that logs every statement; afterwards
 * they are found only in the places whose purpose is to have them.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SERVICES_EXCEPTIONS } from './exceptions.ts';
import { findLeaks, type SearchResult, summaryOf } from './leak-search.ts';
import { ServicesScenario } from './services-scenario.ts';
import { runServicesScenario } from './services-steps.ts';

const SHOWN_LEAKS = 60;

/** Kinds of places; a search without one of them would prove little. */
const EVERYWHERE = [
	/^output database 1 stderr$/,
	/^output tsa at trace stderr$/,
	/^output tsa, wrong passphrase stderr$/,
	/^error of a ceremony$/,
	/^arguments of ca$/,
	/^environment of tuf$/,
	/^rows with a device code identity\.artifacts$/,
	/^answer of identity admin \/metrics$/,
	/^file base\/exports\/tile\//,
	/^file base\/marks\//,
	/^file base\/database\/cluster\/pg_wal\//,
];

let scenario: ServicesScenario;
let result: SearchResult;

beforeAll(async () => {
	scenario = await ServicesScenario.begin();
	await runServicesScenario(scenario);
	result = await findLeaks(scenario.registry.secrets, scenario.searchedPlaces(), SERVICES_EXCEPTIONS);
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
});

it('called every foreign server, and ended as it should', () => {
	for (const [server, count] of Object.entries(scenario.foreignServers.counts))
		expect([server, count > 0]).toEqual([server, true]);
	const exits = Object.fromEntries(scenario.exits);
	expect(exits).toMatchObject({ initialize: 0, 'sign-blob': 0, SIGUSR2: 1, SIGHUP: 1, 'passphrase in the clear': 78 });
	expect(exits).toMatchObject({ 'TLS files that cannot be used': 0, 'wrong passphrase of a TLS key': 78 });
	// 0: a misplaced secret did not prevent the start, and the service was then stopped.
	for (const [what, exit] of scenario.exits) expect([what, [0, 1, 78].includes(Number(exit))]).toEqual([what, true]);
	expect([...scenario.exits.values()].filter((exit) => exit === 78).length).toBeGreaterThan(25);
});

it('a database told to write down everything did so', () => {
	const said = scenario.processes.find(({ name }) => name === 'database 1')?.text('stderr') ?? '';
	expect(said).toMatch(/parameters?: .*\$1 = 'AuthorizationCode'|\$1 = 'Session'/);
	expect(said).toMatch(/DETAIL: +Failing row contains/);
});
