/**
 * Somebody who looks at the heads of all logs all the time, each over one connection as long as that lasts: behind it is
 * one process of several, and what that shows never becomes smaller. Every head is verified, and remembered beside what the
 * other clients have seen.
 */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reader } from './answers.ts';
import { LOG_NAMES, type LogName } from './proposals.ts';
import { openTreeHead, type SignedTree, Violation } from './signed-trees.ts';

const PAUSE_MS = 25;
const TIMEOUT_MS = 15_000;
const PATHS: Readonly<Record<LogName, string>> = {
	v1: '/api/v1/log',
	v2: '/api/v2/checkpoint',
	ct: '/ct/v1/get-sth',
};

export interface HeadWatcher {
	/** Heads that were read and verified. */
	readonly heads: number;
	/** The first thing that no log may do. */
	readonly violation: Error | undefined;
	stop(): Promise<void>;
}

export function watchHeads(urls: Readonly<Record<LogName, string>>, reader: Reader): HeadWatcher {
	let heads = 0;
	let violation: Error | undefined;
	let isStopping = false;

	function open(name: LogName, body: string): SignedTree {
		if (name === 'v2') return reader.tree('v2', body);
		if (name === 'v1') return reader.tree('v1', (JSON.parse(body) as { signedTreeHead: string }).signedTreeHead);
		const head = openTreeHead(JSON.parse(body) as never, reader.keys.ct);
		reader.ledgers.ct.sawTree({ size: head.size, root: head.root });
		return head;
	}

	async function watch(name: LogName): Promise<void> {
		const agent = new Agent({ keepAlive: true, maxSockets: 1 });
		let connection: unknown;
		let last = 0;
		while (!isStopping && !violation) {
			const looked = await look(agent, `${urls[name]}${PATHS[name]}`).catch(() => undefined);
			if (looked?.status === 200) {
				try {
					const { size } = open(name, looked.body);
					if (looked.connection === connection && size < last)
						throw new Violation(`${name}: one process showed ${last} entries and then ${size}`);
					connection = looked.connection;
					last = size;
					heads += 1;
				} catch (error) {
					violation ??= error as Error;
				}
			}
			await sleep(PAUSE_MS);
		}
		agent.destroy();
	}

	const watching = Promise.all(LOG_NAMES.map(watch));
	return {
		get heads() {
			return heads;
		},
		get violation() {
			return violation;
		},
		stop: async () => {
			isStopping = true;
			await watching;
		},
	};
}

async function look(agent: Agent, url: string): Promise<{ status: number; body: string; connection: unknown }> {
	return new Promise((resolve, reject) => {
		const sent = request(url, { agent, timeout: TIMEOUT_MS }, (reply) => {
			const connection = reply.socket;
			text(reply).then((body) => resolve({ status: reply.statusCode ?? 0, body, connection }), reject);
		});
		sent.on('timeout', () => sent.destroy(new Error('no answer')));
		sent.on('error', reject);
		sent.end();
	});
}
