/** A signature log under load. */
import { AnswerJudge } from '../judge/answers.ts';
import { logKey } from '../judge/checkpoint.ts';
import { LogHistory } from '../judge/history.ts';
import { isConsistent } from '../judge/merkle.ts';
import { getBody } from './http-connection.ts';
import { LOG_ENTRIES, type PreparedEntry } from './log-entries.ts';
import type { History, LogTarget } from './messages.ts';
import type { Subject } from './subject.ts';

const ENTRIES_PATH = { v1: '/api/v1/log/entries', v2: '/api/v2/log/entries' } as const;

export function logSubject(target: LogTarget): Subject<PreparedEntry> {
	const judge = new AnswerJudge(target.wire, logKey(target.log));
	const history = new LogHistory();
	return {
		path: ENTRIES_PATH[target.wire],
		contentType: 'application/json',
		successes: [201],
		/** A v1 log already holds its seed, which nobody answered to us: it is read, and believed as a leaf. */
		open: async () => {
			if (target.wire !== 'v1') return;
			const entry = await getBody(target, '/api/v1/log/entries?logIndex=0');
			if (entry === undefined) return;
			const [content] = Object.values(JSON.parse(entry.toString()) as Record<string, { body: string }>);
			history.addSeed(Buffer.from(content?.body ?? '', 'base64'));
		},
		make: (workload) => LOG_ENTRIES[workload as keyof typeof LOG_ENTRIES](),
		judge: (entry, body) => {
			const verdict = judge.judge(entry, body);
			return typeof verdict === 'string' ? [verdict] : history.add(verdict);
		},
		settle: async () => {
			const complaints = history.replay();
			if (history.isComplete) return { history: 'rebuilt', complaints };
			return { history: await proveConsistency(target, history, complaints), complaints };
		},
	};
}

/** For a log that held more than we know: its oldest and newest checkpoint are connected by a proof of its own (v1). */
async function proveConsistency(
	target: LogTarget,
	{ first, last }: LogHistory,
	complaints: string[],
): Promise<History> {
	if (target.wire === 'v2' || first === undefined || last === undefined) return 'one root per size';
	if (first.size === last.size) return 'consistency proof';
	const body = await getBody(target, `/api/v1/log/proof?firstSize=${first.size}&lastSize=${last.size}`);
	const { hashes = [] } = JSON.parse(body?.toString() ?? '{}') as { hashes?: string[] };
	const proof = hashes.map((hex) => Buffer.from(hex, 'hex'));
	if (!isConsistent(first, last, proof)) complaints.push(`size ${last.size} does not continue size ${first.size}`);
	return 'consistency proof';
}
