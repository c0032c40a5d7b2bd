/** Reading from the services of an instance, as any client does. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpClient, type Reply } from '../crash/http-client.ts';
import type { Urls } from './program.ts';

export interface Reader {
	/** A GET, or a POST of JSON with a body; asked again while the service says that it is busy. */
	ask(service: keyof Urls, path: string, body?: string): Promise<Reply>;
	/** @throws {Error} unless the status is 200 */
	bytes(service: keyof Urls, path: string): Promise<Buffer>;
	text(service: keyof Urls, path: string): Promise<string>;
	json<T>(service: keyof Urls, path: string): Promise<T>;
	close(): void;
}

const ATTEMPTS = 20;
const PAUSE_MS = 200;

export function openReader(urls: Urls): Reader {
	const client = createHttpClient();
	const ask = async (service: keyof Urls, path: string, body?: string): Promise<Reply> => {
		for (let attempt = 1; ; attempt++) {
			const reply = await client.ask(`${urls[service]}${path}`, body === undefined ? {} : { body });
			if ((reply.status !== 429 && reply.status !== 503) || attempt === ATTEMPTS) return reply;
			await sleep(PAUSE_MS * attempt);
		}
	};
	const bytes = async (service: keyof Urls, path: string): Promise<Buffer> => {
		const { status, body } = await ask(service, path);
		if (status !== 200) throw new Error(`${urls[service]}${path} is answered ${status}: ${body}`);
		return body;
	};
	const text = async (service: keyof Urls, path: string) => (await bytes(service, path)).toString();
	return {
		ask,
		bytes,
		text,
		json: async <T>(service: keyof Urls, path: string) => JSON.parse(await text(service, path)) as T,
		close: () => client.close(),
	};
}
