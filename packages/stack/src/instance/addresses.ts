/** Where the services of an instance listen: ten ports in a row on loopback, in an order that scripts rely on. */
import { PORT_OFFSETS, type ServiceName } from '../port-offsets.ts';
import { Refusal } from './refusal.ts';

/**
 * The host name in every URL. Log origins and checkpoint signatures bear it too, because clients compare them with the
 * host of the log's base URL.
 */
export const HOST_NAME = 'localhost';

export function portOf(portBase: number, service: ServiceName): number {
	return portBase + PORT_OFFSETS[service];
}

/** What decides the URLs of an instance, for good: they are part of signed metadata. */
export interface AddressPlan {
	readonly portBase: number;
	/** There is a certificate: the services speak TLS. */
	readonly tls?: object | undefined;
}

/** Base URL without a trailing slash. */
export function urlOf({ portBase, tls }: AddressPlan, service: ServiceName): string {
	return `${tls ? 'https' : 'http'}://${HOST_NAME}:${portOf(portBase, service)}`;
}

/** Ten unprivileged ports follow. */
export const MIN_PORT_BASE = 1024;
export const MAX_PORT_BASE = 65526;

/** @throws {Refusal} unless ten unprivileged ports follow */
export function checkPortBase(portBase: number): number {
	if (!Number.isInteger(portBase) || portBase < MIN_PORT_BASE || portBase > MAX_PORT_BASE)
		throw new Refusal(`--port-base must be a number from ${MIN_PORT_BASE} to ${MAX_PORT_BASE}, not ${portBase}`);
	return portBase;
}
