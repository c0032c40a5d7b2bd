/**
 * What the measurement needs from a server, ours or a peer.
 */
import type { LoadTarget } from '../load/messages.ts';
import type { Wire } from '../load/workloads.ts';

/** Figures of the event loop: its delay in milliseconds, and the CPU time of its thread alone. */
export interface LoopFigures {
	readonly cpuSeconds: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly maxMs: number;
}

export interface ServerUnderTest {
	readonly name: string;
	/** Settings that decide its figures, as read from it where it says them. */
	readonly settings: Readonly<Record<string, string>>;
	target(wire: Wire): LoadTarget;
	/** Its processes; descendants count as the server too. */
	readonly pids: readonly number[];
	/** Main process of its database; undefined when the server is its own. */
	readonly databasePid: number | undefined;
	/** Of its first process. Absent when the server has no event loop, or does not tell. */
	readonly probe?: ServerProbe;
	/** The server that it needs, such as a CT log. */
	readonly companionProbe?: ServerProbe;
	stop(): Promise<void>;
}

/** Requests to our own server from inside its process. */
export interface ServerProbe {
	/** Begins a new measurement of the event loop. */
	resetLoop(): Promise<void>;
	readLoop(): Promise<LoopFigures>;
	startProfile(): Promise<void>;
	/** Writes a `.cpuprofile` to `path`. */
	stopProfile(path: string): Promise<void>;
}
