/**
 * The process that holds a PKCS#11 module: one per open key, started by `pkcs11-child`.
 *
 * A module is somebody else's native code. In a process of its own its faults can neither bring the service down nor
 * spoil its memory, and when it hangs it can be ended, which no thread can. Login belongs to a process, too: in a shared
 * one, a wrong PIN would pass after somebody else's right one.
 */
import type { Pkcs11Reply, Pkcs11Request } from './pkcs11-messages.ts';
import { openTokenKey, reasonOf, type TokenKey, TokenRefusal } from './pkcs11-token.ts';

// The service may still have to sign while it stops: this process ends with the service, not with its process group.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));

let key: TokenKey | undefined;
const freeSessions: number[] = [];
const waiting: Extract<Pkcs11Request, { kind: 'sign' }>[] = [];

process.on('message', (request: Pkcs11Request) => {
	if (request.kind === 'open') void open(request);
	else {
		waiting.push(request);
		signNext();
	}
});

async function open(request: Extract<Pkcs11Request, { kind: 'open' }>): Promise<void> {
	try {
		key = await openTokenKey(request);
		freeSessions.push(...Array.from({ length: key.opened.sessions }, (_, session) => session));
		reply(key.opened);
	} catch (error) {
		const { code, message } =
			error instanceof TokenRefusal
				? error
				: new TokenRefusal('module-failed', `the module failed (${reasonOf(error)})`);
		reply({ kind: 'refused', code, message });
	}
}

function signNext(): void {
	if (key === undefined) return;
	const session = freeSessions.pop();
	if (session === undefined) return;
	const request = waiting.shift();
	if (request === undefined) {
		freeSessions.push(session);
		return;
	}
	const { id, data } = request;
	key
		.sign(session, data)
		.then(
			(signature) => reply({ kind: 'signed', id, signature }),
			(error: unknown) => reply({ kind: 'failed', id, reason: reasonOf(error) }),
		)
		.finally(() => {
			freeSessions.push(session);
			signNext();
		});
}

function reply(message: Pkcs11Reply): void {
	// Who no longer listens has ended; 'disconnect' follows.
	process.send?.(message, undefined, undefined, () => undefined);
}
