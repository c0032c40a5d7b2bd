/** The answers to lasting requests, written down, and compared with later ones byte for byte. */
import { createHash } from 'node:crypto';
import type { LastingRequest } from './lasting-requests.ts';
import type { Reader } from './reader.ts';

export interface RecordedAnswer {
	readonly request: LastingRequest;
	readonly status: number;
	readonly contentType: string;
	/** Whether the answer says that the entry was there before. */
	readonly isDuplicate: boolean;
	readonly length: number;
	/** SHA-256 of the body, without the moving member; hex. */
	readonly sha256: string;
	/** The body itself where it is short. */
	readonly text?: string;
}

/** Longer bodies are kept as their hash: a whole log is read. */
const MAX_KEPT_BYTES = 8 * 1024;
const AT_ONCE = 8;
const MAX_SHOWN = 5;
const MAX_SHOWN_CHARS = 2_000;

/** Sends all requests and writes down what is answered. In the order of the requests. */
export async function record(reader: Reader, requests: readonly LastingRequest[]): Promise<RecordedAnswer[]> {
	const answers: RecordedAnswer[] = [];
	let next = 0;
	const work = async () => {
		for (let at = next++; at < requests.length; at = next++) {
			const request = requests[at] as LastingRequest;
			const { status, headers, body } = await reader.ask(request.service, request.path, request.body);
			const lasting = request.moving && status < 300 ? without(body.toString(), request.moving) : body;
			answers[at] = {
				request,
				status,
				contentType: headers['content-type'] ?? '',
				isDuplicate: headers['x-chancery-duplicate'] === 'true',
				length: lasting.length,
				sha256: createHash('sha256').update(lasting).digest('hex'),
				...(lasting.length <= MAX_KEPT_BYTES ? { text: lasting.toString('latin1') } : {}),
			};
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return answers;
}

/** JSON text without the members of this name, its other members in the order in which they came. */
export function without(text: string, name: string): Buffer {
	return Buffer.from(JSON.stringify(JSON.parse(text, (key, value) => (key === name ? undefined : value))));
}

/** What differs, one line for each answer with its old and new form; the first few, which say enough. */
export function differences(before: readonly RecordedAnswer[], now: readonly RecordedAnswer[]): string[] {
	const found = before.flatMap((old, at) => {
		if (JSON.stringify(now[at]) === JSON.stringify(old) || hasGrown(old, now[at])) return [];
		const { service, path, body } = old.request;
		return [`${body === undefined ? 'GET' : 'POST'} ${service} ${path}: ${shown(old)}; now ${shown(now[at])}`];
	});
	return found.length > MAX_SHOWN ? [...found.slice(0, MAX_SHOWN), `and ${found.length - MAX_SHOWN} more`] : found;
}

function hasGrown(old: RecordedAnswer, now: RecordedAnswer | undefined): boolean {
	if (!old.request.mayGrow || old.text === undefined || now?.text === undefined) return false;
	if (now.status !== old.status || now.contentType !== old.contentType) return false;
	return contains(JSON.parse(now.text), JSON.parse(old.text));
}

/** Whether everything in `part` is in `whole`: members with their values, elements of lists in any place. */
function contains(whole: unknown, part: unknown): boolean {
	if (typeof part !== 'object' || part === null || typeof whole !== 'object' || whole === null) return whole === part;
	if (Array.isArray(part) || Array.isArray(whole))
		return (
			Array.isArray(part) &&
			Array.isArray(whole) &&
			part.every((element) => whole.some((other) => contains(other, element)))
		);
	const members = whole as Readonly<Record<string, unknown>>;
	return Object.entries(part).every(([name, value]) => Object.hasOwn(members, name) && contains(members[name], value));
}

function shown(answer: RecordedAnswer | undefined): string {
	if (answer === undefined) return 'nothing';
	const { status, contentType, isDuplicate, length, sha256, text } = answer;
	const body = text !== undefined && text.length <= MAX_SHOWN_CHARS ? text : `${length} bytes with SHA-256 ${sha256}`;
	return `${status} ${contentType}${isDuplicate ? ' (duplicate)' : ''} ${body}`;
}
