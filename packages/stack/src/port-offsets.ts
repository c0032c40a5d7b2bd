/**
 * Where each address of an instance listens. This file imports nothing: a command that only asks a running instance must
 * not load every service to find it.
 */

/**
 * As offset from the first port of the instance: ten in a row, in an order that scripts rely on. web, witness and monitor
 * keep theirs until they move in.
 */
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

/** What an instance calls an address: those that the listeners of the definitions name. */
export type ServiceName = keyof typeof PORT_OFFSETS;
