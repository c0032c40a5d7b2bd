/**
 * Fills the v1 log through the engine, without HTTP and without signatures of clients. It is a process of its own, because the
 * mark of a log belongs to one process; it ends before the server starts again. The entries look like hashedrekord entries;
 * their bytes are random.
 */
import { randomBytes } from 'node:crypto';
import { hashLeaf } from '@chancery/core/merkle';
import { openFileKey } from '@chancery/keys/file/file-key';
import { signCheckpoint, statementV1 } from '@chancery/log/checkpoint-note';
import type { LogConfig } from '@chancery/log/config';
import { signedEntryTimestampPayload } from '@chancery/log/signed-entry-timestamp';
import { logIdentities } from '@chancery/log/tested/log-identities';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { openDatabase } from '@chancery/postgres/pool';
import type { NewEntry } from '@chancery/tlog/entry';
import { type Log, openLog } from '@chancery/tlog/log';
import { searchKey } from '@chancery/tlog/search-key';

export interface FillRequest {
	readonly databaseUrl: string;
	readonly config: LogConfig;
	readonly keyFiles: { readonly v1: string; readonly v2: string };
	readonly markFile: string;
	/** Number of entries in the log at the end. */
	readonly size: number;
}

export type FillReply =
	| { readonly kind: 'progress'; readonly size: number }
	| { readonly kind: 'done'; readonly size: number }
	| { readonly kind: 'failed'; readonly reason: string };

const BATCH_ENTRIES = 8_192;
const BATCH_BYTES = 64 * 1024 * 1024;
/** Batches that wait while one commits. */
const BATCHES_AHEAD = 2;
const PROGRESS_MS = 5_000;

async function fill(request: FillRequest): Promise<number> {
	const database = openDatabase({ url: request.databaseUrl, applicationName: 'chancery bench fill' });
	const signers = {
		v1Signer: await openFileKey(request.keyFiles.v1),
		v2Signer: await openFileKey(request.keyFiles.v2),
	};
	const { hostname, treeId } = request.config.v1;
	const statement = statementV1(hostname, treeId, signers.v1Signer);
	const log = await openLog({
		database,
		schema: 'log',
		identity: logIdentities(request.config, { ...signers, mode: 'development' }).v1,
		mark: openFileMark(request.markFile),
		clock: Date.now,
		signHead: (head) => signCheckpoint(statement, head),
		signReceipt: (entry) => signers.v1Signer.sign(signedEntryTimestampPayload(statement.keyHash, entry)),
		limits: {
			maxBatchEntries: BATCH_ENTRIES,
			maxBatchBytes: BATCH_BYTES,
			maxWaiting: (BATCHES_AHEAD + 2) * BATCH_ENTRIES,
			maxWaitingBytes: BATCHES_AHEAD * BATCH_BYTES,
			maxUnpublished: 8 * BATCH_ENTRIES,
			submitTimeoutMs: 120_000,
		},
	});
	try {
		await submitUpTo(log, request.size);
		return (await log.published()).size;
	} finally {
		await log.close();
		await database.close();
	}
}

async function submitUpTo(log: Log, size: number): Promise<void> {
	let submitted = (await log.published()).size;
	let answered = submitted;
	let reportedMs = performance.now();
	const feed = async () => {
		while (submitted < size) {
			submitted += 1;
			await log.submit(randomEntry());
			answered += 1;
			if (performance.now() - reportedMs < PROGRESS_MS) continue;
			reportedMs = performance.now();
			process.send?.({ kind: 'progress', size: answered } satisfies FillReply);
		}
	};
	await Promise.all(Array.from({ length: BATCHES_AHEAD * BATCH_ENTRIES }, feed));
}

function randomEntry(): NewEntry {
	const bytes = randomBytes(32 + 71 + 91);
	const digest = bytes.toString('hex', 0, 32);
	const key = bytes.toString('base64', 103);
	const pem = `-----BEGIN PUBLIC KEY-----\n${key.slice(0, 64)}\n${key.slice(64)}\n-----END PUBLIC KEY-----\n`;
	const leaf = Buffer.from(
		JSON.stringify({
			apiVersion: '0.0.1',
			kind: 'hashedrekord',
			spec: {
				data: { hash: { algorithm: 'sha256', value: digest } },
				signature: {
					content: bytes.toString('base64', 32, 103),
					publicKey: { content: Buffer.from(pem).toString('base64') },
				},
			},
		}),
	);
	const searchKeys = [
		searchKey('hash', `sha256:${digest}`),
		searchKey('key', bytes.toString('hex', 103, 135)),
		searchKey('signature', bytes.toString('hex', 32, 64)),
	];
	return { identity: hashLeaf(leaf), encode: () => ({ leaf, extra: null, searchKeys }) };
}

process.on('message', (request: FillRequest) => {
	fill(request)
		.then((size): FillReply => ({ kind: 'done', size }))
		.catch((error: unknown): FillReply => {
			return { kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
		})
		.then((reply) => process.send?.(reply, undefined, undefined, () => process.exit(reply.kind === 'done' ? 0 : 1)));
});
process.on('disconnect', () => process.exit(1));
