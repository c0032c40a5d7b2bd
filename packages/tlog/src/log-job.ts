/** What the engine asks a service to keep running beside an open log. */

/** A loop that a service runs as long as it lives; has the shape of the chassis' jobs. */
export interface LogJob {
	readonly name: string;
	run(signal: AbortSignal): Promise<void>;
}
