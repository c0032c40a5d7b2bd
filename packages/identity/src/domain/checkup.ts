/** What only this service can say of itself before it runs: whether its providers answer, and know it as their client. */
import { type Check, type CheckupDeps, type Diagnosis, ok, problem, skipped } from '@chancery/chassis/checkup';
import type { IdentityConfig } from '../config.ts';
import type { Connector } from '../connectors/connector.ts';
import { openConnectors } from '../connectors/connectors.ts';
import { UpstreamLoginError } from '../connectors/upstream-failure.ts';
import { CALLBACK_PATH } from './upstream-login.ts';

type Deps = CheckupDeps<IdentityConfig>;

export function checkup(deps: Deps): readonly Check[] {
	return [{ name: 'connectors', needs: [], run: () => checkConnectors(deps) }];
}

async function checkConnectors({ config, fetch, clock, isStopped }: Deps): Promise<Diagnosis | readonly Diagnosis[]> {
	if (config.connectors.length === 0) return ok('no connectors are configured');
	const redirectUri = config.publicUrl + CALLBACK_PATH;
	const connectors = openConnectors(config.connectors, { fetch: fetch ?? globalThis.fetch, clock });
	return Promise.all(
		connectors.map((connector): Diagnosis | Promise<Diagnosis> => {
			if (!fetch) return skipped(`${connector.id}: ${connector.address} was not asked; ${toRegister(redirectUri)}`);
			if (isStopped(connector.address)) return skipped(`${connector.id}: ${connector.address} does not run`);
			return checkConnector(connector, redirectUri);
		}),
	);
}

const toRegister = (redirectUri: string) => `the redirect URI to register there is ${redirectUri}`;

async function checkConnector(connector: Connector, redirectUri: string): Promise<Diagnosis> {
	const where = `${connector.id}: ${connector.address}`;
	try {
		return ok(`${where} answers: ${await connector.probe(redirectUri)}; ${toRegister(redirectUri)}`);
	} catch (error) {
		if (!(error instanceof UpstreamLoginError)) throw error;
		const isOurs = error.code === 'upstream-misconfigured';
		return problem(
			`${where}: ${error.code}: ${error.words}`,
			isOurs
				? 'compare address, client id and secret of the connector with what is registered there'
				: `look at it from this host: curl -f ${connector.address}`,
		);
	}
}
