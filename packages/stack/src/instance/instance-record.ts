/**
 * `chancery.json`: what was decided once for an instance and must stay. Written before anything else is made, so that
 * a start that was cut off is continued with the same answers.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isRfc3339 } from '@chancery/core/calendar-time';
import { writeDurably } from '@chancery/postgres/file-modes';
import { z } from 'zod';
import type { ServiceName } from '../port-offsets.ts';
import { HOST_NAME_PATTERN, hostNameOf, MAX_PORT_BASE, MIN_PORT_BASE } from './addresses.ts';
import type { DataFolder } from './data-folder.ts';
import { checkPortsFree } from './free-ports.ts';
import { Refusal } from './refusal.ts';

/** Where the certificate of the services comes from: made here, or files of the user (absolute paths). */
const tlsChoice = z.discriminatedUnion('from', [
	z.strictObject({ from: z.literal('development') }),
	z.strictObject({
		from: z.literal('files'),
		certificateFile: z.string(),
		keyFile: z.string(),
		/** Where the passphrase of the key is, never the passphrase. */
		passphraseFile: z.string().optional(),
		/** Roots that clients do not have by themselves. */
		caFile: z.string().optional(),
	}),
]);

export type TlsChoice = z.output<typeof tlsChoice>;

/** Of the data folders that this version makes, and the only one that it continues. */
const FORMAT = 1;

const bearerSecret = z.string().regex(/^[0-9a-f]{64}$/);

const instanceRecord = z.strictObject({
	/** Format of the data folder. */
	format: z.literal(FORMAT),
	/** Everything `up` makes is marked, and a production instance refuses it. */
	profile: z.literal('development'),
	/** 16 random bytes, hex: tells the marks of this instance from those of others. */
	id: z.string().regex(/^[0-9a-f]{32}$/),
	/** First of the ten ports. It is part of URLs in certificates, trusted roots and log origins. */
	portBase: z.int().min(MIN_PORT_BASE).max(MAX_PORT_BASE),
	/** Absent: localhost. Part of the same URLs, and the origin of the logs. */
	hostName: z.string().regex(HOST_NAME_PATTERN).optional(),
	/** Absent: plain HTTP. Whether it is there is part of the URLs too; which certificate it is may change. */
	tls: tlsChoice.optional(),
	/** Decimal int64 that the v1 log carries in its checkpoints and entry ids. */
	treeId: z
		.string()
		.regex(/^[1-9][0-9]{0,18}$/)
		.refine((text) => BigInt(text) < 1n << 63n),
	createdAt: z.iso.datetime().refine(isRfc3339),
	/** Bearer secrets between the parts of this instance, 32 random bytes hex each. */
	secrets: z.strictObject({ developmentToken: bearerSecret, operator: bearerSecret, service: bearerSecret }),
});

export type InstanceRecord = z.output<typeof instanceRecord>;

/** The record of an existing instance, or undefined for a folder that has none. */
export async function readInstanceRecord(folder: DataFolder): Promise<InstanceRecord | undefined> {
	let text: string;
	try {
		text = await readFile(folder.record, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
	try {
		return instanceRecord.parse(JSON.parse(text));
	} catch (error) {
		throw new Refusal(`${folder.record} ${whyNot(text)}`, { cause: error });
	}
}

function whyNot(text: string): string {
	let format: unknown;
	try {
		format = JSON.parse(text)?.format;
	} catch {
		// Not JSON: no version of ours has written it.
	}
	return Number.isInteger(format) && (format as number) > FORMAT
		? `has format ${format}, and this program knows only ${FORMAT}: it is older than the data folder. Start the newer program`
		: 'is not the record of an instance that this version can continue';
}

/** What somebody asks for at a start; undefined: what the folder was made with, or the default. */
export interface WantedInstance {
	readonly portBase?: number | undefined;
	readonly hostName?: string | undefined;
	readonly tls?: TlsChoice | 'none' | undefined;
	/** Whose ports have to be free, and on which addresses. */
	readonly listening: readonly ServiceName[];
	readonly addresses: readonly string[];
}

/**
 * Continues the instance in the folder, or begins one: not with ports that somebody else has, because it keeps them.
 * @throws {Refusal} when the folder was made for other ports, or with the other choice about TLS
 * @throws the system's EADDRINUSE, with `port`, when one of the ports is taken
 */
export async function openInstanceRecord(
	folder: DataFolder,
	wanted: WantedInstance,
	nowMs: number,
): Promise<InstanceRecord> {
	const existing = await readInstanceRecord(folder);
	const tls = wanted.tls === 'none' ? undefined : wanted.tls;
	if (existing) {
		refuseOtherAddresses(folder, existing, wanted);
		await checkPortsFree(existing.portBase, wanted);
		if (tls === undefined || isDeepStrictEqual(tls, existing.tls)) return existing;
		// Another certificate for the same addresses. A crash leaves the old choice or the new one.
		const changed = { ...existing, tls };
		await writeRecord(folder, changed);
		return changed;
	}
	const portBase = wanted.portBase ?? DEFAULT_PORT_BASE;
	await checkPortsFree(portBase, wanted);
	const record: InstanceRecord = {
		format: FORMAT,
		profile: 'development',
		id: randomBytes(16).toString('hex'),
		portBase,
		...(wanted.hostName === undefined ? {} : { hostName: wanted.hostName }),
		...(tls === undefined ? {} : { tls }),
		treeId: newTreeId(),
		createdAt: new Date(nowMs).toISOString(),
		secrets: { developmentToken: newSecret(), operator: newSecret(), service: newSecret() },
	};
	await writeRecord(folder, record);
	return record;
}

function refuseOtherAddresses(folder: DataFolder, existing: InstanceRecord, wanted: WantedInstance): void {
	const { portBase, hostName, tls } = wanted;
	const advice = 'Leave the option out, or choose another --data';
	if (portBase !== undefined && portBase !== existing.portBase)
		throw new Refusal(
			`${folder.path} was made with --port-base ${existing.portBase}; its certificates and logs name those ports, so ${portBase} is refused. ${advice}`,
		);
	if (hostName !== undefined && hostName !== hostNameOf(existing))
		throw new Refusal(
			`${folder.path} was made for --host ${hostNameOf(existing)}; its certificates and logs name that host, so ${hostName} is refused. ${advice}`,
		);
	if (tls === undefined || (tls !== 'none') === (existing.tls !== undefined)) return;
	const [made, asked] = existing.tls ? ['with', '--no-tls'] : ['without', '--tls'];
	throw new Refusal(
		`${folder.path} was made ${made} --tls; its certificates and logs name ${existing.tls ? 'https' : 'http'} addresses, so ${asked} is refused. ${advice}`,
	);
}

async function writeRecord(folder: DataFolder, record: InstanceRecord): Promise<void> {
	await writeDurably(folder.record, `${JSON.stringify(record, null, '\t')}\n`, 0o600);
}

export const DEFAULT_PORT_BASE = 7400;

function newSecret(): string {
	return randomBytes(32).toString('hex');
}

/** Positive and below 2^63, as in Trillian, and never 0, which v1 clients read as "no tree". */
function newTreeId(): string {
	const id = randomBytes(8).readBigUInt64BE() >> 1n;
	return String(id === 0n ? 1n : id);
}
