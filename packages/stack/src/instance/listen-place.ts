/**
 * On which addresses an instance listens. By itself on loopback only; elsewhere when the user says so, because whoever
 * reaches a development instance may use it.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { DEFAULT_HOST_NAME } from './addresses.ts';
import { Refusal } from './refusal.ts';

export interface ListenPlace {
	/** What the listeners are bound to: `localhost` (both loopback addresses), or one address. */
	readonly host: string;
	/** On these the ports have to be free. */
	readonly addresses: readonly string[];
	readonly isBeyondLoopback: boolean;
}

const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];
const WILDCARDS = ['0.0.0.0', '::'];

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function isLoopbackAddress(address: string): boolean {
	return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * The instance calls itself by its host name, as its clients do. So the name has to lead to where it listens.
 * @param listen an address; undefined: loopback.
 * @throws {Refusal} when the address is none of this machine, or the name leads elsewhere
 */
export async function findListenPlace(hostName: string, listen: string | undefined): Promise<ListenPlace> {
	if (listen !== undefined && isIP(listen) === 0)
		throw new Refusal(`--listen ${JSON.stringify(listen)} is not an IP address; 0.0.0.0 stands for all of IPv4`);
	const place = placeOf(listen);
	if (hostName !== DEFAULT_HOST_NAME || place.isBeyondLoopback) await requireNameLeadsTo(place, hostName, listen);
	return place;
}

function placeOf(listen: string | undefined): ListenPlace {
	if (listen === undefined) return { host: 'localhost', addresses: LOOPBACK_ADDRESSES, isBeyondLoopback: false };
	if (!WILDCARDS.includes(listen) && !isLoopbackAddress(listen) && !ownAddresses().includes(listen))
		throw new Refusal(`--listen ${listen} is no address of this machine; it has ${ownAddresses().join(', ')}`);
	return { host: listen, addresses: [listen], isBeyondLoopback: !isLoopbackAddress(listen) };
}

async function requireNameLeadsTo(place: ListenPlace, hostName: string, listen: string | undefined): Promise<void> {
	const found = await lookup(hostName, { all: true }).catch((cause: unknown) => {
		throw new Refusal(
			`--host ${hostName} is not known to this machine's resolver. Clients and the instance itself reach it by that name: add it to DNS or to the hosts file first`,
			{ cause },
		);
	});
	const elsewhere = found.map(({ address }) => address).filter((address) => !covers(place, address));
	// Of several addresses, clients try another when one is closed; one of a stranger is another matter.
	if (elsewhere.length < found.length && elsewhere.every(isOwn)) return;
	const advice =
		listen === undefined && elsewhere.every(isOwn)
			? `add --listen ${elsewhere[0]}, or --listen 0.0.0.0 for all, to serve beyond loopback`
			: 'choose another name, or another address with --listen';
	throw new Refusal(`${hostName} leads to ${elsewhere.join(', ')}, where this instance would not listen; ${advice}`);
}

function covers({ host, addresses }: ListenPlace, address: string): boolean {
	if (host === '0.0.0.0') return isIP(address) === 4 && isOwn(address);
	if (host === '::') return isOwn(address);
	return addresses.includes(address);
}

function isOwn(address: string): boolean {
	return isLoopbackAddress(address) || ownAddresses().includes(address);
}

function ownAddresses(): string[] {
	return Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
}
