/**
 * A server of ours and the one whose wire it speaks, side by side: with the same keys, chain, issuer and CT log where they
 * have any, and asked the same.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address, LoadTarget } from '@chancery/bench/load/messages';
import type { Wire } from '@chancery/bench/load/workloads';
import { openComparedServers } from '@chancery/bench/server/compared-servers';
import type { ServerName } from '@chancery/testkit/peers/peer-table';
import { expect, inject } from 'vitest';

export interface TwoServers<Target extends LoadTarget> {
	readonly ours: Target;
	readonly theirs: Target;
	close(): Promise<void>;
}

/** Starts both. Of a server with several settings, the last one, which is the quickest. */
export async function startBoth<W extends Wire>(
	name: ServerName,
	wire: W,
): Promise<TwoServers<Extract<LoadTarget, { readonly wire: W }>>> {
	await using stack = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), 'chancery-peers-'));
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	// The database server of root runs as another user, who must be able to pass.
	await chmod(folder, 0o711);
	const compared = await openComparedServers(name, inject('peers')[name], folder, 'warn');
	stack.defer(() => compared.close());
	const theirs = await compared.theirs.at(-1)!.start();
	stack.defer(() => theirs.stop());
	type Target = Extract<LoadTarget, { readonly wire: W }>;
	const targets = { ours: compared.ours.target(wire) as Target, theirs: theirs.target(wire) as Target };
	const opened = stack.move();
	return { ...targets, close: () => opened.disposeAsync() };
}

export interface Question {
	readonly name: string;
	readonly method?: string;
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array;
	/** What both say, or what each says and why it is not the same: a row of docs/divergences.md. */
	readonly status: number | { readonly ours: number; readonly theirs: number; readonly why: string };
	/** Absent: a refusal of ours begins with the words of theirs. Else why it does not. */
	readonly otherWords?: string;
}

export interface Answer {
	readonly status: number;
	readonly type: string | undefined;
	readonly body: Buffer;
}

/** One request, with its path as it is: `fetch` would resolve dot segments before it sends them. */
export function ask({ host, port }: Address, question: Omit<Question, 'name' | 'status'>): Promise<Answer> {
	const { method = question.body === undefined ? 'GET' : 'POST', path, headers = {}, body } = question;
	const { promise, resolve, reject } = Promise.withResolvers<Answer>();
	const sent = request({ host, port, method, path, headers, agent: false }, async (response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of response) chunks.push(chunk as Buffer);
		resolve({
			status: response.statusCode ?? 0,
			type: response.headers['content-type'],
			body: Buffer.concat(chunks),
		});
	});
	sent.on('error', reject);
	sent.end(body);
	return promise;
}

/** Asks both, and expects what the question says. */
export async function expectAlike({ ours, theirs }: TwoServers<LoadTarget>, question: Question): Promise<void> {
	const [our, their] = await Promise.all([ask(ours, question), ask(theirs, question)]);
	const { status } = question;
	const expected = typeof status === 'number' ? { ours: status, theirs: status } : status;
	const shown = `ours: ${our.status} ${our.body.toString().slice(0, 300)}\ntheirs: ${their.status} ${their.body.toString().slice(0, 300)}`;
	expect({ ours: our.status, theirs: their.status }, shown).toEqual({ ours: expected.ours, theirs: expected.theirs });
	if (our.status !== their.status || our.status < 400) return;
	const [ourCode, theirCode] = [refusalOf(our), refusalOf(their)];
	if (theirCode === undefined) return;
	expect(ourCode?.code, shown).toBe(theirCode.code);
	expect(ourCode?.message.startsWith(theirCode.message), shown).toBe(question.otherWords === undefined);
}

function refusalOf({ type, body }: Answer): { code: number; message: string } | undefined {
	if (!type?.startsWith('application/json')) return undefined;
	const value = JSON.parse(body.toString()) as { code?: number; message?: string };
	return { code: value.code ?? 0, message: value.message ?? '' };
}
