/** The configuration of each service of a development instance, through the same schemas that production uses. */
import { createHash } from 'node:crypto';
import type { ServiceDefinition } from '@chancery/chassis/service-definition';
import type { DevelopmentChains } from '../bootstrap/development-chains.ts';
import type { DevelopmentKeys } from '../bootstrap/development-keys.ts';
import { hostNameOf, urlOf } from '../instance/addresses.ts';
import type { InstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { type DevelopmentInstance, SERVICES } from '../services.ts';

/**
 * Returns what the section of a service says, parsed.
 * @param trustReportUrls of the services that run already, for the one that asks them
 */
export type Configurations = <Config>(
	service: Pick<ServiceDefinition<Config>, 'name' | 'config'>,
	trustReportUrls?: readonly string[],
) => Config;

export function developmentConfigurations(
	record: InstanceRecord,
	keys: DevelopmentKeys,
	chains: DevelopmentChains,
	{ isBeyondLoopback }: Pick<DevelopmentInstance, 'isBeyondLoopback'> = { isBeyondLoopback: false },
): Configurations {
	const { secrets, treeId } = record;
	// Secrets go into the sections as they do elsewhere, by reference; only this process's environment has no part in it.
	const env = { DEVELOPMENT_TOKEN: secrets.developmentToken, SERVICE_TOKEN: secrets.service };
	const instance: Omit<DevelopmentInstance, 'trustReportUrls'> = {
		hostName: hostNameOf(record),
		isBeyondLoopback,
		url: (name) => urlOf(record, name),
		treeId,
		keys,
		chains,
		markFile: (service, mark) => markPath(record.id, service, mark),
		secrets: {
			signingJwks: { file: keys.signingJwksFile },
			developmentToken: { env: 'DEVELOPMENT_TOKEN' },
			service: { env: 'SERVICE_TOKEN' },
		},
	};
	const admin = {
		tokens: [
			{ name: 'up', role: 'operator', sha256: sha256Hex(secrets.operator) },
			{ name: 'tuf', role: 'service', sha256: sha256Hex(secrets.service) },
		],
	};
	return ({ name, config }, trustReportUrls = []) => {
		const service = SERVICES.find(({ definition }) => definition.name === name);
		return config(env).parse({ ...service?.development({ ...instance, trustReportUrls }), admin });
	};
}

function sha256Hex(text: string): string {
	return createHash('sha256').update(text).digest('hex');
}
