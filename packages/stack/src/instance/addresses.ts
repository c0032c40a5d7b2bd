/** Where the services of an instance are: a host name, and ten ports in a row, in an order that scripts rely on. */
import { isIP } from 'node:net';
import { PORT_OFFSETS, type ServiceName } from '../port-offsets.ts';
import { Refusal } from './refusal.ts';

/**
 * The host name in every URL, unless a folder was made for another. Log origins and checkpoint signatures bear it too,
 * because clients compare them with the host of the log's base URL.
 */
export const DEFAULT_HOST_NAME = 'localhost';

export function portOf(portBase: number, service: ServiceName): number {
	return portBase + PORT_OFFSETS[service];
}

/** What decides the URLs of an instance, for good: they are part of signed metadata. */
export interface AddressPlan {
	/** Absent: `localhost`. */
	readonly hostName?: string | undefined;
	readonly portBase: number;
	/** There is a certificate: the services speak TLS. */
	readonly tls?: object | undefined;
}

/** Base URL without a trailing slash. */
export function urlOf(plan: AddressPlan, service: ServiceName): string {
	return `${plan.tls ? 'https' : 'http'}://${hostNameOf(plan)}:${portOf(plan.portBase, service)}`;
}

export function hostNameOf({ hostName }: Pick<AddressPlan, 'hostName'>): string {
	return hostName ?? DEFAULT_HOST_NAME;
}

/** A DNS name in lower case, without a dot at its end: it becomes the origin of logs. */
export const HOST_NAME_PATTERN =
	/^(?=.{1,200}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** @throws {Refusal} unless it can be the name of an instance */
export function checkHostName(name: string): string {
	const reason =
		isIP(name) !== 0 || /^[0-9.]+$/.test(name)
			? 'an address is none: it may change, and what is signed names it for ever'
			: 'expected a DNS name in lower case, such as sign.example.com';
	if (isIP(name) !== 0 || /^[0-9.]+$/.test(name) || !HOST_NAME_PATTERN.test(name))
		throw new Refusal(`--host ${JSON.stringify(name)}: ${reason}`);
	return name;
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
