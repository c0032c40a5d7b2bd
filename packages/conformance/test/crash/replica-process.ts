/**
 * One replica of a log with clients of its own: the engine as a service runs it, its mark in another database.
 *
 * Started with one argument, a `ReplicaPlan` as JSON. Takes orders from standard input, one per line: `hold` stops the
 * relay and then this process in the middle of its next batch, with the head locked; `end` lets the clients finish.
 * Writes what happens as JSON lines.
 */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateMarks, openDatabaseMark } from '@chancery/postgres/mark/database-mark';
import { openDatabase } from '@chancery/postgres/pool';
import { createLog } from '@chancery/tlog/create-log';
import { checkDurability } from '@chancery/tlog/durability';
import { openLog } from '@chancery/tlog/log';
import { migrateTlog } from '@chancery/tlog/migrate';
import { TlogError } from '@chancery/tlog/tlog-error';
import { identityOf, type ReplicaEvent, type ReplicaPlan, statementOf } from './replica-plan.ts';

const plan = JSON.parse(process.argv[2] ?? '') as ReplicaPlan;
const tell = (event: ReplicaEvent) => writeSync(1, `${JSON.stringify(event)}\n`);
const key = createPrivateKey(plan.keyPem);
const identity = identityOf(key);

const database = openDatabase({
	url: plan.databaseUrl,
	applicationName: plan.name,
	maxConnections: 10,
	admit: checkDurability,
});
const marks = openDatabase({ url: plan.marksUrl, applicationName: `${plan.name} mark`, maxConnections: 2 });
await Promise.all([migrateTlog(database, 'log'), migrateMarks(marks, 'marks')]);
await createLog(database, 'log', identity);

let isHoldWanted = false;
let batches = 0;
const complain = (fields: object, message: string) => {
	const error = 'err' in fields && fields.err instanceof Error ? `${fields.err.name}: ${fields.err.message}` : '';
	tell({ kind: 'complaint', atMs: Date.now(), message: `${message} (${error})` });
};
const log = await openLog({
	database,
	schema: 'log',
	identity,
	mark: openDatabaseMark({ database: marks, schema: 'marks', name: identity.origin }),
	clock: Date.now,
	signHead: async (head) => new Uint8Array(sign(null, statementOf(head), key)),
	logger: { info() {}, warn: complain, error: complain },
	hooks: {
		beforeCommit: () => {
			if (!isHoldWanted) return;
			isHoldWanted = false;
			tell({ kind: 'holding', atMs: Date.now() });
			// First the network, then ourselves: nothing of ours arrives anywhere until we are woken.
			process.kill(plan.relayPid, 'SIGSTOP');
			process.kill(process.pid, 'SIGSTOP');
			tell({ kind: 'woken', atMs: Date.now() });
		},
		afterCommit: () => {
			batches += 1;
		},
	},
});

let isEnding = false;
createInterface(process.stdin).on('line', (order) => {
	if (order === 'hold') isHoldWanted = true;
	if (order === 'end') isEnding = true;
});

/** Again until there is an answer, as any client that was told to come back. */
async function submit(text: string): Promise<void> {
	const leaf = new Uint8Array(Buffer.from(text));
	const entry = {
		identity: new Uint8Array(createHash('sha256').update(leaf).digest()),
		encode: () => ({ leaf, extra: null, searchKeys: [] }),
	};
	const sentMs = Date.now();
	for (let tries = 0; ; tries++) {
		try {
			const { index, duplicate, proof, publication } = await log.submit(entry);
			const { size, timestampMs, root, note } = publication;
			const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
			const checkpoint = { size, timestampMs, root: hex(root), signature: hex(note) };
			const doneMs = Date.now();
			tell({ kind: 'answer', text, index, duplicate, sentMs, doneMs, tries, checkpoint, proof: proof.map(hex) });
			return;
		} catch (error) {
			if (!(error instanceof TlogError) || error.retryAfterSeconds === undefined) throw error;
			await sleep(100);
		}
	}
}

async function client(n: number): Promise<void> {
	for (let i = 0; !isEnding; i++) {
		// Every fifth time the one entry that everybody submits, everywhere and all the time.
		await submit(i % 5 === 0 ? 'hot' : `${plan.name} client ${n} entry ${i}`);
		await sleep(plan.thinkMs);
	}
}

tell({ kind: 'ready', atMs: Date.now() });
const stop = new AbortController();
const heartbeat = log.heartbeat.run(stop.signal);
await Promise.all(Array.from({ length: plan.clients }, (_, n) => client(n)));
stop.abort();
await heartbeat;
tell({ kind: 'end', batches, health: log.health() });
await log.close();
await Promise.all([database.close(), marks.close()]);
process.exit(0);
