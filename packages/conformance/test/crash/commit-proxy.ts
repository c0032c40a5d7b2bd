/**
 * Stands between a log process and its database and can interfere at the one moment that matters: when COMMIT is on its
 * way. Understands as much of PostgreSQL's protocol (manual, chapter 54) as it takes to see that.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchStatement, publicationStatement } from '@chancery/tlog/test/interference';

export type Schema = 'log' | 'ctlog';

/** One COMMIT, held. Nothing happens to it until one of the calls below. */
export interface HeldCommit {
	/** Backend that will execute it. */
	readonly pid: number;
	/** Sends it on and lets the connection go on as if nothing had been. */
	pass(): void;
	/** Sends it on; resolves when the server has answered. The answer is kept from the client. */
	passSilently(): Promise<'COMMIT' | 'lost'>;
	/** Cuts the connection to both sides at once. */
	cut(): void;
}

export type TransactionKind = 'batch' | 'publication';

export interface CommitProxy {
	/** The same database through the proxy. */
	readonly url: string;
	/** Holds the next COMMIT of a transaction of this kind. */
	holdNext(schema: Schema, kind: TransactionKind): Promise<HeldCommit>;
	close(): Promise<void>;
}

const SOCKET_NAME = '.s.PGSQL.5432';
/** Statements that only one kind of transaction contains. */
const TELLING: Readonly<Record<TransactionKind, RegExp>> = {
	batch: batchStatement('ctlog|log'),
	publication: publicationStatement('ctlog|log'),
};

interface Wanted {
	readonly schema: Schema;
	readonly kind: TransactionKind;
	readonly resolve: (held: HeldCommit) => void;
}

/** @param url of the real database, on a Unix socket. */
export async function startCommitProxy(url: string): Promise<CommitProxy> {
	const place = new URL(url.replace('postgresql:///', 'postgresql://local/'));
	const target = join(place.searchParams.get('host') ?? '', SOCKET_NAME);
	const folder = await mkdtemp(join(tmpdir(), 'cp-'));
	const wanted: Wanted[] = [];
	const sockets = new Set<Socket>();

	const server = createServer((client) => {
		const upstream = connect(target);
		for (const [socket, other] of [
			[client, upstream],
			[upstream, client],
		] as const) {
			sockets.add(socket);
			socket.on('error', () => undefined);
			socket.on('close', () => {
				sockets.delete(socket);
				other.destroy();
			});
		}
		let pid = 0;
		let seen: { schema: string; kind: TransactionKind } | undefined;
		let isHeld = false;
		let isSilent = false;
		let onAnswer: ((how: 'COMMIT' | 'lost') => void) | undefined;
		upstream.on('close', () => onAnswer?.('lost'));

		const fromServer = splitter(false, (type, message) => {
			if (type === 'K') pid = message.readInt32BE(5);
			if (type === 'C' && message.subarray(5, -1).toString() === 'COMMIT') onAnswer?.('COMMIT');
		});
		upstream.on('data', (data) => {
			fromServer(data);
			if (!isSilent) client.write(data);
		});

		const waiting: Buffer[] = [];
		const fromClient = splitter(true, (type, message) => {
			const text = type === 'P' || type === 'Q' ? message.subarray(5).toString('latin1') : '';
			for (const kind of ['batch', 'publication'] as const) {
				const schema = TELLING[kind].exec(text)?.[1];
				if (schema) seen = { schema, kind };
			}
			const isEnd = type === 'Q' && /^(commit|rollback)/i.test(text);
			const at = isEnd ? wanted.findIndex(({ schema, kind }) => seen?.schema === schema && seen.kind === kind) : -1;
			if (isEnd) seen = undefined;
			if (at < 0 || /^rollback/i.test(text)) {
				if (isHeld) waiting.push(message);
				else upstream.write(message);
				return;
			}
			isHeld = true;
			const goOn = () => {
				isHeld = false;
				upstream.write(message);
				for (const later of waiting.splice(0)) upstream.write(later);
			};
			wanted.splice(at, 1)[0]?.resolve({
				pid,
				pass: goOn,
				passSilently: () => {
					isSilent = true;
					const answer = new Promise<'COMMIT' | 'lost'>((resolve) => {
						onAnswer = resolve;
						if (upstream.closed) resolve('lost');
					});
					goOn();
					return answer;
				},
				cut: () => {
					client.destroy();
					upstream.destroy();
				},
			});
		});
		client.on('data', fromClient);
	});
	await new Promise<void>((resolve) => server.listen(join(folder, SOCKET_NAME), resolve));
	return {
		url: url.replace(/host=[^&]*/, `host=${encodeURIComponent(folder)}`),
		holdNext: (schema, kind) => new Promise((resolve) => wanted.push({ schema, kind, resolve })),
		close: async () => {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** Cuts a stream into messages: a type and a length, except for the first of a client, which has only the length. */
function splitter(hasStartup: boolean, take: (type: string, message: Buffer) => void): (data: Buffer | string) => void {
	let rest: Buffer = Buffer.alloc(0);
	let isStartup = hasStartup;
	return (data) => {
		rest = Buffer.concat([rest, Buffer.from(data)]);
		for (;;) {
			const head = isStartup ? 0 : 1;
			if (rest.length < head + 4) return;
			const end = head + rest.readInt32BE(head);
			if (rest.length < end) return;
			const message = rest.subarray(0, end);
			rest = rest.subarray(end);
			const type = isStartup ? '' : String.fromCharCode(message[0] ?? 0);
			isStartup = false;
			take(type, message);
		}
	};
}
