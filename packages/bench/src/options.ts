/**
 * The options of the benchmark, and their defaults.
 */

import { parseArgs } from 'node:util';
import { ChanceryError } from '@chancery/core/chancery-error';
import { WORKLOADS } from './load/workloads.ts';
import { isPeer, PEERS, type Peer } from './peers.ts';
import { KNOWN_BACKENDS } from './server/digest-backend.ts';

export const USAGE = `npm run bench -- [options]

  (no options)          the whole matrix: every workload, number of clients and digest backend; 20 to 40 minutes
  --quick               shorter windows, fewer of them, the usual backend only: a few minutes
  --only CELLS          only these, separated by commas: WORKLOAD[/CLIENTS[/BACKEND]], '*' for all of a kind, the usual
                        backend when none is named: --only 'v1-hashedrekord/256/*,*/1'
  --list                print the cells and stop
  --clients N,...       other numbers of clients (1,16,64,256,1024)
  --runs N              windows per cell, of which the median is reported (5; quick 3)
  --seconds S           length of a window (5; quick 2)
  --processes N         that many processes of the signature log, on one file mark and one database; clients are spread
                        over them (1)
  --log-level LEVEL     of the server (info, as in production: a line per write)
  --profile DIR         keep a CPU profile of the server during the last window of each cell in DIR, and print its top
  --json FILE           write everything that is printed, and more, as JSON
  --data DIR            put database, keys and logs below DIR instead of the system's temporary folder

  --grow N              instead of the matrix: fill the v1 log through the engine up to N entries, and measure at 0,
                        100 thousand, 1 million, 5 million (those below N) and N
  --memory-share F      with --grow: measure each size again with the database limited to F of its own size (0.2)
  --memory-group DIR    with --memory-share: a cgroup folder (v1 memory or v2) below which a group for the database may
                        be made; without it only the database's own cache is limited, not that of the system

  --against SERVER      the same load on that server too, alternating with ours, and the ratios: rekor-tiles (v2 log),
                        fulcio (certificates, with our CT log under both), timestamp-authority, dex
                        (codes and tokens of machines for tokens)
  --bin PATH            another program than the pinned one, which is built by go install when it is not in the cache

Exit code: 0 when everything verified, 1 when an answer did not or the run failed, 2 for wrong usage.
`;

export interface BenchOptions {
	readonly quick: boolean;
	readonly list: boolean;
	readonly help: boolean;
	readonly only: readonly string[];
	readonly clients: readonly number[] | undefined;
	readonly runs: number;
	readonly windowMs: number;
	readonly warmUpMs: number;
	readonly processes: number;
	readonly logLevel: string;
	readonly profileFolder: string | undefined;
	readonly jsonFile: string | undefined;
	readonly dataFolder: string | undefined;
	readonly grow: number | undefined;
	readonly memoryShare: number | undefined;
	readonly memoryGroup: string | undefined;
	readonly against: Peer | undefined;
	readonly bin: string | undefined;
}

/** The arguments cannot be understood; the message is for the person. */
export class UsageError extends ChanceryError<'usage'> {
	constructor(message: string, options?: ErrorOptions) {
		super('usage', message, options);
	}
}

/** @throws {UsageError} */
export function parseOptions(args: readonly string[]): BenchOptions {
	const { values } = read(args);
	const quick = values.quick === true;
	const against = values.against;
	if (against !== undefined && !isPeer(against))
		throw new UsageError(`--against knows ${PEERS.join(', ')}, not '${against}'`);
	const only = values.only?.split(',') ?? [];
	for (const pattern of only) checkPattern(pattern);
	const seconds = positive('--seconds', values.seconds) ?? (quick ? 2 : 5);
	return {
		quick,
		list: values.list === true,
		help: values.help === true,
		only,
		clients: values.clients?.split(',').map((text) => whole('--clients', text)),
		runs: values.runs === undefined ? (quick ? 3 : 5) : whole('--runs', values.runs),
		windowMs: seconds * 1000,
		warmUpMs: Math.min(3000, seconds * 600),
		processes: values.processes === undefined ? 1 : whole('--processes', values.processes),
		logLevel: values['log-level'] ?? 'info',
		profileFolder: values.profile,
		jsonFile: values.json,
		dataFolder: values.data,
		grow: values.grow === undefined ? undefined : whole('--grow', values.grow.replaceAll('_', '')),
		memoryShare: positive('--memory-share', values['memory-share']),
		memoryGroup: values['memory-group'],
		against,
		bin: values.bin,
	};
}

function read(args: readonly string[]) {
	try {
		return parseArgs({
			args: [...args],
			strict: true,
			options: {
				quick: { type: 'boolean' },
				list: { type: 'boolean' },
				help: { type: 'boolean' },
				only: { type: 'string' },
				clients: { type: 'string' },
				runs: { type: 'string' },
				seconds: { type: 'string' },
				processes: { type: 'string' },
				'log-level': { type: 'string' },
				profile: { type: 'string' },
				json: { type: 'string' },
				data: { type: 'string' },
				grow: { type: 'string' },
				'memory-share': { type: 'string' },
				'memory-group': { type: 'string' },
				against: { type: 'string' },
				bin: { type: 'string' },
			},
		});
	} catch (error) {
		throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
	}
}

/** A misspelt pattern would select nothing, or less than was meant. */
function checkPattern(pattern: string): void {
	const [workload = '', clients = '*', backend = '*', ...rest] = pattern.split('/');
	const known =
		rest.length === 0 &&
		(workload === '*' || Object.hasOwn(WORKLOADS, workload)) &&
		/^(\*|[1-9][0-9]*)$/.test(clients) &&
		(backend === '*' || (KNOWN_BACKENDS as readonly string[]).includes(backend));
	if (!known)
		throw new UsageError(
			`--only '${pattern}' names no cell; workloads are ${Object.keys(WORKLOADS).join(', ')}, backends ${KNOWN_BACKENDS.join(', ')}`,
		);
}

function whole(option: string, text: string): number {
	if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new UsageError(`${option} wants whole numbers above 0, not '${text}'`);
	return Number(text);
}

function positive(option: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const value = Number(text);
	if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${option} wants a number above 0, not '${text}'`);
	return value;
}
