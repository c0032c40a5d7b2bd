/**
 * The load generator: a process of its own, so that its work is not the server's, and its CPU time can be told apart.
 * It signs entries before a window, sends them in it, and verifies every answer after it.
 */
import { AnswerJudge } from '../judge/answers.ts';
import { logKey } from '../judge/checkpoint.ts';
import { LogHistory } from '../judge/history.ts';
import { isConsistent } from '../judge/merkle.ts';
import { type LoopResult, runClosedLoop } from './closed-loop.ts';
import { HttpConnection } from './http-connection.ts';
import type { LoadCommand, LoadReply, LoadTarget, WindowReport } from './messages.ts';
import { type PreparedEntry, pathOf, WORKLOADS } from './workloads.ts';

/** Complaints that are told; one is enough to end the run. */
const MAX_COMPLAINTS = 5;

interface Judged {
	readonly judge: AnswerJudge;
	readonly history: LogHistory;
}

/** By workload, signed and not yet sent. */
const prepared = new Map<string, PreparedEntry[]>();
/** By log: what it has said lasts as long as this process. */
const judged = new Map<string, Judged>();

function prepare(workload: string, entries: number): void {
	const { make } = WORKLOADS[workload]!;
	const pool = prepared.get(workload) ?? [];
	while (pool.length < entries) pool.push(make());
	prepared.set(workload, pool);
}

interface SentWindow {
	readonly target: LoadTarget;
	readonly entries: readonly PreparedEntry[];
	readonly requests: readonly Uint8Array[];
	readonly loop: LoopResult;
}

let unverified: SentWindow | undefined;

async function runWindow(command: Extract<LoadCommand, { kind: 'window' }>): Promise<void> {
	const { target, workload, clients, windowMs } = command;
	const entries = prepared.get(workload) ?? [];
	await judgedLog(target);
	const requests = entries.map((entry) => requestOf(target, entry.body));
	const loop = await runClosedLoop({ ...target, clients, windowMs, requests });
	prepared.set(workload, entries.slice(loop.taken));
	unverified = { target, entries, requests, loop };
}

async function verifyWindow({ target, entries, requests, loop }: SentWindow): Promise<WindowReport> {
	const { judge, history } = await judgedLog(target);
	const complaints = [...loop.failures];
	const latencies: number[] = [];
	let answerBytes = 0;
	for (const { position, answer, latencyMs } of loop.sent) {
		if (answer.status !== 201) {
			complaints.push(`status ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
			continue;
		}
		latencies.push(latencyMs);
		answerBytes += answer.body.length;
		const verdict = judge.judge(entries[position]!, answer.body);
		if (typeof verdict === 'string') complaints.push(verdict);
		else complaints.push(...history.add(verdict));
	}
	complaints.push(...history.replay());
	const how = history.isComplete ? 'rebuilt' : await proveConsistency(target, history, complaints);
	return {
		elapsedMs: loop.elapsedMs,
		acknowledged: loop.inTime,
		answered: latencies.length,
		refused: loop.refused,
		ranOut: loop.ranOut,
		latenciesMs: Float64Array.from(latencies).sort(),
		verified: latencies.length,
		history: how,
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

/** The judge of a log. A v1 log already holds its seed, which nobody answered to us: it is read, and believed as a leaf. */
async function judgedLog(target: LoadTarget): Promise<Judged> {
	const name = `${target.wire} ${target.log.origin} ${target.port}`;
	const known = judged.get(name);
	if (known) return known;
	const fresh = { judge: new AnswerJudge(target.wire, logKey(target.log)), history: new LogHistory() };
	judged.set(name, fresh);
	if (target.wire === 'v1') {
		const entry = await get(target, '/api/v1/log/entries?logIndex=0');
		if (entry !== undefined) {
			const [content] = Object.values(JSON.parse(entry) as Record<string, { body: string }>);
			fresh.history.addSeed(Buffer.from(content?.body ?? '', 'base64'));
		}
	}
	return fresh;
}

/** For a log that held more than we know: its oldest and newest checkpoint are connected by a proof of its own (v1). */
async function proveConsistency(
	target: LoadTarget,
	{ first, last }: LogHistory,
	complaints: string[],
): Promise<WindowReport['history']> {
	if (target.wire === 'v2' || first === undefined || last === undefined) return 'one root per size';
	if (first.size === last.size) return 'consistency proof';
	const text = await get(target, `/api/v1/log/proof?firstSize=${first.size}&lastSize=${last.size}`);
	const { hashes = [] } = JSON.parse(text ?? '{}') as { hashes?: string[] };
	const proof = hashes.map((hex) => Buffer.from(hex, 'hex'));
	if (!isConsistent(first, last, proof)) complaints.push(`size ${last.size} does not continue size ${first.size}`);
	return 'consistency proof';
}

/** The body of a 200; undefined for any other status. */
async function get({ host, port }: LoadTarget, path: string): Promise<string | undefined> {
	const connection = await HttpConnection.open(host, port);
	const { status, body } = await connection.exchange(
		Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`),
	);
	connection.close();
	return status === 200 ? body.toString() : undefined;
}

function requestOf({ host, port, wire }: LoadTarget, body: string): Uint8Array {
	const head = `POST ${pathOf(wire)} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\nAccept: application/json\r\n`;
	return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function reply(message: LoadReply): void {
	process.send?.(message);
}

process.on('message', (command: LoadCommand) => {
	const work = async (): Promise<LoadReply> => {
		switch (command.kind) {
			case 'prepare':
				prepare(command.workload, command.entries);
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
// The benchmark is gone, and nobody waits for figures any more.
process.on('disconnect', () => process.exit(0));
