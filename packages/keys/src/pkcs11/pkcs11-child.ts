/**
 * The other end of `pkcs11-process`: starts it, asks it, and ends it when it does not answer.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { KeyError } from '../key-error.ts';
import { moduleEnvironment } from './pkcs11-environment.ts';
import type { OpenedToken, Pkcs11Reply, Pkcs11Request } from './pkcs11-messages.ts';
import type { Pkcs11Uri } from './pkcs11-uri.ts';

export interface Pkcs11Limits {
	/** Sessions, and thus signatures that the token makes at the same time. */
	readonly sessions: number;
	/** From the start of the process to an open key: some tokens take seconds to log in. */
	readonly openWithinMs: number;
	/** For one signature. A module that is slower is ended. */
	readonly signWithinMs: number;
}

const PROGRAM = new URL('./pkcs11-process.ts', import.meta.url);

interface Waiting {
	resolve(signature: Uint8Array): void;
	reject(error: Error): void;
	readonly timer: NodeJS.Timeout;
}

/** A running module with an open key. */
export class Pkcs11Child {
	readonly opened: OpenedToken;
	readonly #process: ChildProcess;
	readonly #signWithinMs: number;
	readonly #waiting = new Map<number, Waiting>();
	#lastId = 0;
	#ended: string | undefined;

	private constructor(opened: OpenedToken, child: ChildProcess, signWithinMs: number) {
		this.opened = opened;
		this.#process = child;
		this.#signWithinMs = signWithinMs;
		child.on('message', (reply: Pkcs11Reply) => this.#settle(reply));
		child.on('exit', (code, signal) => this.#fail(`the PKCS#11 module ended (${signal ?? `status ${code}`})`));
		child.on('error', () => this.#fail('the PKCS#11 module cannot be reached'));
	}

	/**
	 * Starts a process and opens the key in it, with one login.
	 * @throws {KeyError} as the token says, or `module-failed` when the module ends or does not answer in time
	 */
	static async open(uri: Pkcs11Uri, pin: string | undefined, limits: Pkcs11Limits): Promise<Pkcs11Child> {
		const child = fork(PROGRAM, [], {
			execArgv: [],
			env: { ...moduleEnvironment(process.env), UV_THREADPOOL_SIZE: String(limits.sessions) },
			serialization: 'advanced',
			// Vendors' code says what it likes; the last thing that a log of ours should repeat.
			stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
		});
		// It ends by itself when we are gone, unless it hangs.
		const end = () => child.kill('SIGKILL');
		process.on('exit', end);
		child.once('close', () => process.off('exit', end));
		try {
			const reply = await firstReply(child, { kind: 'open', uri, pin, sessions: limits.sessions }, limits.openWithinMs);
			if (reply.kind === 'refused') throw new KeyError(reply.code, `${uri.name}: ${reply.message}`);
			if (reply.kind !== 'opened') throw new KeyError('module-failed', `${uri.name}: an answer that was not asked for`);
			// Nobody closes a signer: it must not keep a process alive that has nothing else to do.
			child.unref();
			child.channel?.unref();
			return new Pkcs11Child(reply, child, limits.signWithinMs);
		} catch (error) {
			end();
			if (error instanceof KeyError) throw error;
			throw new KeyError('module-failed', `${uri.name}: ${(error as Error).message}`);
		}
	}

	/**
	 * One signature over `data`, as the module makes it.
	 * @throws {Error} with the reason; the module has ended, or was ended here, unless the reason is a return value
	 */
	sign(data: Uint8Array): Promise<Uint8Array> {
		return new Promise((resolve, reject) => {
			if (this.#ended !== undefined) {
				reject(new Error(this.#ended));
				return;
			}
			const id = ++this.#lastId;
			const timer = setTimeout(() => {
				this.end(`the PKCS#11 module did not answer within ${this.#signWithinMs} ms`);
			}, this.#signWithinMs);
			this.#waiting.set(id, { resolve, reject, timer });
			this.#process.send({ kind: 'sign', id, data } satisfies Pkcs11Request, (error) => {
				if (error) this.end('the PKCS#11 module cannot be reached');
			});
		});
	}

	/** Ends the process, whatever it is doing; what it still owes fails with `reason`. */
	end(reason: string): void {
		this.#fail(reason);
		this.#process.kill('SIGKILL');
	}

	#settle(reply: Pkcs11Reply): void {
		if (reply.kind !== 'signed' && reply.kind !== 'failed') return;
		const waiting = this.#waiting.get(reply.id);
		if (waiting === undefined) return;
		this.#waiting.delete(reply.id);
		clearTimeout(waiting.timer);
		if (reply.kind === 'signed') waiting.resolve(reply.signature);
		else waiting.reject(new Error(reply.reason));
	}

	#fail(reason: string): void {
		this.#ended ??= reason;
		for (const { reject, timer } of this.#waiting.values()) {
			clearTimeout(timer);
			reject(new Error(this.#ended));
		}
		this.#waiting.clear();
	}
}

function firstReply(child: ChildProcess, request: Pkcs11Request, withinMs: number): Promise<Pkcs11Reply> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(
			() => reject(new Error(`the PKCS#11 module did not open the key within ${withinMs} ms`)),
			withinMs,
		);
		const settled = <T>(settle: (value: T) => void) => {
			return (value: T) => {
				clearTimeout(timer);
				for (const event of ['message', 'error', 'exit'] as const) child.removeAllListeners(event);
				// A process that is ended after this still says so.
				child.on('error', () => undefined);
				settle(value);
			};
		};
		child.once('message', settled(resolve));
		child.once('error', () => settled(reject)(new Error('the process for the PKCS#11 module does not start')));
		child.once('exit', (code, signal) =>
			settled(reject)(new Error(`the PKCS#11 module ended while it was opened (${signal ?? `status ${code}`})`)),
		);
		child.send(request, () => undefined);
	});
}
