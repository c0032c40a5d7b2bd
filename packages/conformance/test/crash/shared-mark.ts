/**
 * A mark that several processes share: a place with conditional writes, here a small HTTP server in the test's own
 * process. It decides what is newer; the processes only ask.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { equalBytes, fromBase64, toBase64 } from '@chancery/core/bytes';
import { type Mark, MarkError, type MarkStore } from '@chancery/postgres/mark/mark';

interface MarkJson {
	readonly origin: string;
	readonly keyId: string;
	readonly size: number;
	readonly root: string;
	readonly note: string;
}

const CONFLICT = 409;
const TIMEOUT_MS = 5_000;

export interface SharedMarkServer {
	readonly url: string;
	/** Size of the mark with this name; 0 before the first. */
	sizeOf(name: string): number;
	close(): Promise<void>;
}

export async function startSharedMarks(): Promise<SharedMarkServer> {
	const marks = new Map<string, MarkJson>();
	const server: Server = createServer(async (request, reply) => {
		const name = request.url ?? '';
		if (request.method === 'GET') return reply.end(JSON.stringify(marks.get(name) ?? null));
		const next = JSON.parse(await text(request)) as MarkJson;
		// No turn of the event loop between the look and the write: this is the condition.
		const now = marks.get(name);
		if (now && (now.keyId !== next.keyId || (now.size === next.size && now.root !== next.root)))
			reply.statusCode = CONFLICT;
		else if (!now || now.size < next.size) marks.set(name, next);
		return reply.end();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		sizeOf: (name) => marks.get(`/${name}`)?.size ?? 0,
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

export function openSharedMark(url: string): MarkStore {
	const ask = async (init?: RequestInit) => {
		try {
			return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
		} catch (cause) {
			throw new MarkError('the shared mark cannot be reached', { cause });
		}
	};
	return {
		async read() {
			const stored = (await (await ask()).json()) as MarkJson | null;
			return stored === null ? undefined : decode(stored);
		},
		async advance(mark) {
			const reply = await ask({ method: 'PUT', body: JSON.stringify(encode(mark)) });
			await reply.arrayBuffer();
			if (reply.status === CONFLICT) throw new MarkError(`the shared mark has another root at size ${mark.size}`);
			if (!reply.ok) throw new MarkError(`the shared mark answers ${reply.status}`);
		},
	};
}

function encode({ origin, keyId, size, root, note }: Mark): MarkJson {
	return { origin, size, keyId: toBase64(keyId), root: toBase64(root), note: toBase64(note) };
}

function decode(json: MarkJson): Mark {
	const mark = {
		origin: json.origin,
		size: json.size,
		keyId: fromBase64(json.keyId),
		root: fromBase64(json.root),
		note: fromBase64(json.note),
	};
	if (!Number.isSafeInteger(mark.size) || equalBytes(mark.root, new Uint8Array(0)))
		throw new MarkError('the shared mark is malformed');
	return mark;
}
