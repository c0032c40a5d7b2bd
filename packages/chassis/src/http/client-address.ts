/**
 * Who a connection is counted for when a share of something is given to each client. A home or an office is one IPv4
 * address, but a whole /64 of IPv6, whose 2^64 addresses one machine can use at will.
 */
import { isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** The IPv4 address, or the first 64 bits of the IPv6 address; empty when the connection has ended. */
export function clientOf(remoteAddress: string | undefined): string {
	if (remoteAddress === undefined) return '';
	const mapped = MAPPED_IPV4.exec(remoteAddress)?.[1];
	if (mapped !== undefined) return mapped;
	return isIPv6(remoteAddress) ? networkOf(remoteAddress) : remoteAddress;
}

/** Node writes addresses in their short form: `::` stands for as many zero groups as are missing. */
function networkOf(address: string): string {
	const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
	const before = head === '' ? [] : head.split(':');
	const after = tail === undefined || tail === '' ? [] : tail.split(':');
	const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
	return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
