/** Where the services of an instance listen: ten ports in a row on loopback, in an order that scripts rely on. */
import { Refusal } from './refusal.ts';

/** Offset of each service from the port base; web, witness and monitor keep theirs until they move in. */
export const PORT_OFFSETS = {
	web: 0,
	identity: 1,
	ca: 2,
	log: 3,
	log2: 4,
	ctlog: 5,
	tsa: 6,
	tuf: 7,
	witness: 8,
	monitor: 9,
} as const;

export type ServiceName = keyof typeof PORT_OFFSETS;

/** The services that `up` runs, in the order in which they appear in `instance.json`. */
export const RUNNING_SERVICES = [
	'identity',
	'ca',
	'log',
	'log2',
	'ctlog',
	'tsa',
	'tuf',
] as const satisfies ServiceName[];

export type RunningServiceName = (typeof RUNNING_SERVICES)[number];

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

/** @throws Refusal unless ten unprivileged ports follow */
export function checkPortBase(portBase: number): number {
	if (!Number.isInteger(portBase) || portBase < MIN_PORT_BASE || portBase > MAX_PORT_BASE)
		throw new Refusal(`--port-base must be a number from ${MIN_PORT_BASE} to ${MAX_PORT_BASE}, not ${portBase}`);
	return portBase;
}
