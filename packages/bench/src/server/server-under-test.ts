/**
 * What the measurement needs of a server, ours or another one.
 */
import type { LoadTarget } from '../load/messages.ts';
import type { Wire } from '../load/workloads.ts';

/** Milliseconds by which the event loop came late. */
export interface LoopDelay {
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly maxMs: number;
}

export interface ServerUnderTest {
	readonly name: string;
	/** Settings that decide its figures, as read from it where it says them. */
	readonly settings: Readonly<Record<string, string>>;
	target(wire: Wire): LoadTarget;
	/** Its process; descendants count as the server too. */
	readonly pid: number;
	/** Main process of its database; undefined when the server is its own. */
	readonly databasePid: number | undefined;
	/** Absent when the server has no event loop, or does not tell. */
	readonly probe?: ServerProbe;
	stop(): Promise<void>;
}

/** What is asked of our own server from inside its process. */
export interface ServerProbe {
	/** Begins a new measurement of the event loop. */
	resetLoopDelay(): Promise<void>;
	readLoopDelay(): Promise<LoopDelay>;
	startProfile(): Promise<void>;
	/** Writes a `.cpuprofile` to `path`. */
	stopProfile(path: string): Promise<void>;
}
