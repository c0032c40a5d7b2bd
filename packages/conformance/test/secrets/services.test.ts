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
	/^output identity at trace stderr$/,
	/^rows with tokens of machines identity\./,
	/^rows with a sign-in at a provider identity\.upstream_logins$/,
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

it('signed in and exchanged as meant', () => {
	const { statuses, upstreams } = scenario;
	expect(Object.fromEntries(statuses)).toEqual({
		'a client secret in the header': 200,
		'a client secret in the form': 200,
		'a wrong client secret in the header': 401,
		'a wrong client secret in the form': 401,
		'a client secret for another grant': 400,
		'a client secret for a client id': 401,
		'a certificate for a machine client': 200,
		'a subject token': 200,
		'a subject token again': 400,
		'a subject token by another key': 400,
		'a subject token that is bound': 400,
		'a subject token for audience': 400,
		'a subject token for connector_id': 400,
		'a subject token for subject_token_type': 400,
		'a subject token for actor_token': 400,
		'a certificate for an exchanged token': 200,
		'a proof for a second code': 400,
		'a certificate for a bound token': 200,
		'a proof for a second certificate': 401,
		'a bound token without a proof': 401,
		'in a browser that did not begin it': 400,
		'a second return from a provider': 400,
		'a token of a provider for another client': 502,
		'a provider that repeats what it is sent': 502,
		'a code that no provider gave out': 400,
	});
	expect(upstreams.people.requests).toEqual(expect.arrayContaining(['POST /token', 'GET /userinfo']));
});

it('a database told to write down everything did so', () => {
	const said = scenario.processes.find(({ name }) => name === 'database 1')?.text('stderr') ?? '';
	expect(said).toMatch(/parameters?: .*\$1 = 'AuthorizationCode'|\$1 = 'Session'/);
	for (const table of ['artifacts', 'upstream_logins', 'exchanged_tokens'])
		expect(said).toMatch(
			new RegExp(`relation "${table}" violates check constraint "refused".*\\n.*DETAIL: +Failing row contains`),
		);
});
