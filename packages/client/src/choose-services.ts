/** Which of the services in a signing configuration to use. */
import {
	currentServices,
	type ServiceSelection,
	type ServiceUrl,
	type SigningConfig,
} from '@chancery/wire/signing-config';
import { ClientError } from './client-error.ts';

export interface ChosenServices {
	readonly ca: ServiceUrl;
	readonly log: ServiceUrl;
	/** A v1 log proves a time (the SET), so a signature may do without a timestamp. */
	readonly tsa: ServiceUrl | undefined;
}

/**
 * One current service of each kind.
 * @throws {ClientError} `no-service` when there is none, or when the configuration demands more than one
 */
export function chooseServices(
	config: SigningConfig,
	/** Log API versions to choose from. */
	logApiVersions: readonly number[],
	nowMs: number,
): ChosenServices {
	const ca = chooseOne('certificate authority', config.caUrls, [1], undefined, nowMs);
	const log = chooseOne('signature log', config.rekorTlogUrls, logApiVersions, config.rekorTlogConfig, nowMs);
	const tsa = chooseOne('timestamp authority', config.tsaUrls, [1], config.tsaConfig, nowMs);
	if (!ca) throw noService('certificate authority');
	if (!log) throw noService(`signature log of API version ${logApiVersions.join(' or ')}`);
	if (log.majorApiVersion === 2 && !tsa) throw noService('timestamp authority, which a v2 log needs');
	return { ca, log, tsa };
}

/** When a configuration requires a signature in several places, one alone is refused: verifiers would reject the bundle. */
function chooseOne(
	what: string,
	candidates: readonly ServiceUrl[],
	versions: readonly number[],
	selection: ServiceSelection | undefined,
	nowMs: number,
): ServiceUrl | undefined {
	const services = currentServices(candidates, versions, nowMs);
	const operators = new Set(services.map(({ operator, url }) => operator ?? url));
	const demanded =
		selection?.selector === 'ALL' ? operators.size : selection?.selector === 'EXACT' ? (selection.count ?? 1) : 1;
	if (demanded > 1)
		throw new ClientError(
			'no-service',
			`the signing configuration demands ${demanded} services of the kind ${what}; this client uses one`,
		);
	return services[0];
}

function noService(what: string): ClientError {
	return new ClientError('no-service', `the signing configuration has no current ${what}`);
}
