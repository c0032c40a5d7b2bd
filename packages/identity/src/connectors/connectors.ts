/** What follows from the list of connector types: the settings of a connector, and the connectors that are configured. */
import type { Finding } from '@chancery/chassis/config/production';
import type { Environment } from '@chancery/chassis/config/secret';
import type { Clock } from '@chancery/chassis/service';
import { transportTo } from '@chancery/chassis/tokens/issuer-key-source';
import { z } from 'zod';
import type { Connector, ConnectorSettings, ConnectorType } from './connector.ts';
import * as listed from './connector-list.ts';
import { guardedConnector } from './guarded-connector.ts';
import { upstreamFetch } from './upstream-fetch.ts';

type Listed = (typeof listed)[keyof typeof listed];
type Settings = ReturnType<Listed['configSchema']>;

/** In the order of their names in the list, which is that of the alphabet. */
export const CONNECTOR_TYPES: readonly ConnectorType[] = Object.values(listed);

const MAX_CONNECTORS = 32;

/** Settings of all connectors, told apart by `type`. Each id stands once. */
export function connectorsSchema(env?: Environment) {
	const schemas = Object.values(listed).map((type) => type.configSchema(env));
	return z
		.array(z.discriminatedUnion('type', schemas as unknown as [Settings, ...Settings[]]))
		.max(MAX_CONNECTORS)
		.refine((connectors) => new Set(connectors.map(({ id }) => id)).size === connectors.length, {
			message: 'two connectors have the same id',
		});
}

/** The configured connectors, ready for sign-ins, in the order of the configuration, which is that of the buttons. */
export function openConnectors(
	settings: readonly ConnectorSettings[],
	{ fetch, clock }: { readonly fetch: typeof globalThis.fetch; readonly clock: Clock },
): readonly Connector[] {
	return settings.map((each) => {
		const provider = typeOf(each.type).open(each, { fetch: upstreamFetch(transportTo(each, fetch)), clock });
		return guardedConnector({ id: each.id, name: each.name, secret: each.clientSecret?.reveal() ?? '' }, provider);
	});
}

/** What production does not start with in the settings of the connectors. */
export function connectorFindings(settings: readonly ConnectorSettings[]): Finding[] {
	return settings.flatMap((each, index) =>
		(typeOf(each.type).findings?.(each) ?? []).map((finding) => ({
			...finding,
			where: `identity.connectors[${index}]`,
		})),
	);
}

function typeOf(name: string): ConnectorType {
	const type = CONNECTOR_TYPES.find((candidate) => candidate.name === name);
	if (!type) throw new Error(`no connector type is named ${name}`);
	return type;
}
