/** The requests of a scenario, and every answer with its headers as evidence. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendRaw } from '../inputs/probe.ts';
import type { SearchedPlace } from './searched-places.ts';

export interface Asked {
	/** 0: there was no answer. */
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
}

export class Recorder {
	readonly #answers: SearchedPlace[] = [];
	/** Number of answers by status, each with the first request that got it. */
	readonly statuses = new Map<number, { count: number; readonly first: string }>();

	/** `label` names the answer in exceptions. When there is no answer, the status is 0. */
	async ask(label: string, url: string, init: RequestInit = {}): Promise<Asked> {
		try {
			const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(15_000), ...init });
			const text = await response.text();
			const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
			this.#keep(label, response.status, Buffer.from(`${response.status} ${response.statusText}\n${head}\n\n${text}`));
			return { status: response.status, headers: response.headers, text };
		} catch (error) {
			const reason = error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error);
			this.#keep(label, 0, Buffer.from(reason.replace(url, '')));
			return { status: 0, headers: new Headers(), text: '' };
		}
	}

	/** Sends a request head that no library would send. */
	async askRaw(label: string, url: string, head: string): Promise<void> {
		const answer = await sendRaw(url, head).catch(() => undefined);
		if (!answer) return;
		const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\n`);
		this.#keep(label, answer.status, Buffer.concat([Buffer.from(`${headers.join('')}\n`), answer.body]));
	}

	/** Sends this text and closes the connection. */
	async abandon(url: string, text: string): Promise<void> {
		const { hostname, port } = new URL(url);
		const socket = connect(Number(port), hostname);
		socket.on('error', () => undefined);
		socket.write(text);
		await sleep(50);
		socket.destroy();
	}

	searchedPlaces(): SearchedPlace[] {
		return this.#answers;
	}

	#keep(label: string, status: number, bytes: Buffer): void {
		const known = this.statuses.get(status) ?? { count: 0, first: label };
		known.count++;
		this.statuses.set(status, known);
		this.#answers.push({ place: `answer ${label}`, bytes, isDeep: true });
	}
}
