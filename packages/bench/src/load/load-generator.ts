/**
 * The load generator: a process of its own, so that its CPU time is not counted as the server's. It signs requests before a window,
 * sends them in the window, and verifies every answer after it.
 */
import { caSubject } from './ca-subject.ts';
import { type LoopResult, runClosedLoop } from './closed-loop.ts';
import { identitySubject } from './identity-subject.ts';
import { logSubject } from './log-subject.ts';
import type { LoadCommand, LoadReply, LoadTarget, WindowReport } from './messages.ts';
import type { Prepared, Subject } from './subject.ts';
import { tsaSubject } from './tsa-subject.ts';

/** Maximum of reported complaints; one is enough to end the run. */
const MAX_COMPLAINTS = 5;

/** By server and workload: signed requests that are not sent yet. */
const prepared = new Map<string, Prepared[]>();
type LoadedSubject = Subject<Prepared, Prepared | Promise<Prepared>>;

/** By server: what it has stated, for as long as this process lives. */
const subjects = new Map<string, Promise<LoadedSubject>>();

/** One server is one subject on all its wires of a kind. */
function subjectOf(target: LoadTarget): Promise<LoadedSubject> {
	const name = nameOf(target);
	const known = subjects.get(name);
	if (known) return known;
	const opened = open(target);
	subjects.set(name, opened);
	return opened;
}

const nameOf = ({ wire, host, port }: LoadTarget) => `${wire} ${host}:${port}`;

async function open(target: LoadTarget): Promise<LoadedSubject> {
	const subject = newSubject(target);
	await subject.open();
	return subject;
}

function newSubject(target: LoadTarget): LoadedSubject {
	switch (target.wire) {
		case 'ca':
			return caSubject(target);
		case 'tsa':
			return tsaSubject(target);
		case 'identity':
			return identitySubject(target);
		default:
			return logSubject(target);
	}
}

const poolName = (target: LoadTarget, workload: string) => `${nameOf(target)} ${workload}`;

function usableNow(name: string): Prepared[] {
	const now = Date.now();
	return (prepared.get(name) ?? []).filter(({ usableUntilMs = Number.POSITIVE_INFINITY }) => usableUntilMs > now);
}

async function prepare(command: Extract<LoadCommand, { kind: 'prepare' }>): Promise<void> {
	const { target, workload, requests } = command;
	const subject = await subjectOf(target);
	const name = poolName(target, workload);
	const pool = usableNow(name);
	while (pool.length < requests) {
		const length = Math.min(subject.madeAtOnce ?? 1, requests - pool.length);
		pool.push(...(await Promise.all(Array.from({ length }, () => subject.make(workload)))));
	}
	prepared.set(name, pool);
}

interface SentWindow {
	readonly subject: LoadedSubject;
	readonly pool: readonly Prepared[];
	readonly requests: readonly Uint8Array[];
	readonly loop: LoopResult;
}

let unverified: SentWindow | undefined;

async function runWindow(command: Extract<LoadCommand, { kind: 'window' }>): Promise<void> {
	const { target, workload, clients, windowMs } = command;
	const subject = await subjectOf(target);
	const name = poolName(target, workload);
	// Some may have become too old while others were made.
	const pool = usableNow(name);
	const requests = pool.map(({ body }) => requestOf(target, subject, body));
	const loop = await runClosedLoop({ ...target, clients, windowMs, requests });
	prepared.set(name, pool.slice(loop.taken));
	unverified = { subject, pool, requests, loop };
}

async function verifyWindow({ subject, pool, requests, loop }: SentWindow): Promise<WindowReport> {
	const complaints = [...loop.failures];
	const latencies: number[] = [];
	let answerBytes = 0;
	for (const { position, answer, latencyMs } of loop.sent) {
		if (!subject.successes.includes(answer.status)) {
			complaints.push(`status ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
			continue;
		}
		latencies.push(latencyMs);
		answerBytes += answer.body.length;
		complaints.push(...subject.judge(pool[position]!, answer.body));
	}
	const settled = await subject.settle();
	complaints.push(...settled.complaints);
	return {
		elapsedMs: loop.elapsedMs,
		acknowledged: loop.inTime,
		answered: latencies.length,
		refused: loop.refused,
		ranOut: loop.ranOut,
		latenciesMs: Float64Array.from(latencies).sort(),
		verified: latencies.length,
		history: settled.history,
		requestBytes: average(
			requests.reduce((sum, { length }) => sum + length, 0),
			requests.length,
		),
		answerBytes: average(answerBytes, latencies.length),
		complaints: complaints.slice(0, MAX_COMPLAINTS),
	};
}

function average(sum: number, count: number): number {
	return count === 0 ? 0 : Math.round(sum / count);
}

function requestOf(
	{ host, port }: LoadTarget,
	{ path, contentType }: LoadedSubject,
	body: string | Uint8Array,
): Uint8Array {
	const bytes = Buffer.from(body);
	const head = `POST ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: ${contentType}\r\nAccept: */*\r\n`;
	return Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
}

function reply(message: LoadReply): void {
	process.send?.(message);
}

process.on('message', (command: LoadCommand) => {
	const work = async (): Promise<LoadReply> => {
		switch (command.kind) {
			case 'prepare':
				await prepare(command);
				return { kind: 'done' };
			case 'window':
				await runWindow(command);
				return { kind: 'done' };
			case 'verify': {
				if (unverified === undefined) throw new Error('there is no window to verify');
				const window = unverified;
				unverified = undefined;
				return { kind: 'report', report: await verifyWindow(window) };
			}
		}
	};
	work().then(reply, (error: unknown) => {
		reply({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
	});
});
// The benchmark is gone, and nobody needs figures any more.
process.on('disconnect', () => process.exit(0));
