/**
 * What was decided once: written before anything else is made, so that a run that was cut off is continued with the same
 * answers, and so that nobody makes a second key for what has one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isRfc3339 } from '@chancery/core/calendar-time';
import { writeDurably } from '@chancery/postgres/file-modes';
import { z } from 'zod';
import { Refusal } from '../../instance/refusal.ts';
import type { Answers } from './answers.ts';

const FORMAT = 1;

const recordSchema = z.strictObject({
	format: z.literal(FORMAT),
	createdAt: z.iso.datetime().refine(isRfc3339),
	/** Decimal int64 of the v1 log. */
	treeId: z.string().regex(/^[1-9][0-9]{0,18}$/),
	/** The answers that keys, certificates, logs and the root were made from. */
	decided: z.record(z.string(), z.unknown()),
	/** SHA-256 of each configuration file in every form that was made, by its path below the folder: an edited one is left alone. */
	written: z.record(z.string(), z.array(z.string())).default({}),
});

export type InitRecord = z.output<typeof recordSchema>;

/**
 * Continues, or begins.
 * @throws {Refusal} when an answer is another one than what was made, naming both
 */
export async function openInitRecord(path: string, answers: Answers, nowMs: number): Promise<InitRecord> {
	const decided = decidedBy(answers);
	const existing = await readInitRecord(path);
	if (!existing) {
		const id = randomBytes(8).readBigUInt64BE() >> 1n;
		const createdAt = new Date(nowMs).toISOString();
		const record = { format: FORMAT, createdAt, treeId: String(id === 0n ? 1n : id), decided, written: {} } as const;
		await writeInitRecord(path, record);
		return record;
	}
	for (const key of new Set([...Object.keys(existing.decided), ...Object.keys(decided)]))
		if (!isDeepStrictEqual(existing.decided[key], decided[key]))
			throw new Refusal(
				`answers: ${key} was ${JSON.stringify(existing.decided[key] ?? null)} when this instance was made, and is ${JSON.stringify(decided[key] ?? null)} now. Its certificates and logs name the first; take that, or make another instance in another folder`,
			);
	return existing;
}

/** Those that cannot change: what was made from them is in certificates, logs and the root of trust. */
function decidedBy({ profile, organization, urls, hosts, existingPki }: Answers): InitRecord['decided'] {
	const decided = { profile, organization, urls, hosts, existingPki: existingPki?.certifies };
	// As it is read back: without what is undefined.
	return JSON.parse(JSON.stringify(decided)) as InitRecord['decided'];
}

export async function readInitRecord(path: string): Promise<InitRecord | undefined> {
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw new Refusal(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
	}
	try {
		return recordSchema.parse(JSON.parse(text));
	} catch (cause) {
		throw new Refusal(`${path} is not the record of an instance that this version can continue`, { cause });
	}
}

/** Nothing is written where nothing has changed. */
export async function writeInitRecord(path: string, record: InitRecord): Promise<void> {
	const text = `${JSON.stringify(record, null, '\t')}\n`;
	if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeDurably(path, text, 0o600);
}

export function sha256Hex(content: string | Uint8Array): string {
	return createHash('sha256').update(content).digest('hex');
}
