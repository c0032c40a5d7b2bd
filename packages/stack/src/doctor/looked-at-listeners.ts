/** Who answers at the addresses of a configuration file: nobody, the service itself, or somebody else. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { ListenAddress } from '@chancery/chassis/config/process-config';
import type { ServiceSettings } from '@chancery/chassis/process/process-settings';
import { openTlsPair } from '@chancery/chassis/tls/tls-pair';
import { isLoopbackHost } from '@chancery/postgres/connection-security';

export interface LookedAtListener {
	readonly service: string;
	/** Its name under `listen`. */
	readonly name: string;
	readonly address: ListenAddress;
	/** `unusable`: it cannot be bound here at all. `silent`: somebody has the port, and says nothing. */
	readonly state: 'free' | 'ours' | 'other' | 'silent' | 'unusable';
	/** In words, for all but `free` and `ours`. */
	readonly reason: string;
}

const ANSWER_WITHIN_MS = 3_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Looks at all listeners of the services. Never rejects. */
export function lookAtListeners(services: readonly ServiceSettings[]): Promise<readonly LookedAtListener[]> {
	return Promise.all(
		services.flatMap(({ definition, listen }) =>
			Object.entries(listen).map(async ([name, address]) => ({
				service: definition.name,
				name,
				address,
				...(await look(definition.name, Object.hasOwn(definition.listeners, name), address)),
			})),
		),
	);
}

/**
 * Whether a URL is an address of one of these listeners at which nobody answers.
 * @param publicUrlOf where clients reach a listener, as the section of its service says
 */
export function isStoppedAddress(
	url: string,
	listeners: readonly LookedAtListener[],
	publicUrlOf: (listener: LookedAtListener) => string | undefined,
): boolean {
	const asked = URL.parse(url);
	if (!asked) return false;
	return listeners.some((listener) => {
		const { state, address } = listener;
		if (state !== 'free') return false;
		const publicUrl = publicUrlOf(listener);
		if (publicUrl !== undefined && URL.parse(publicUrl)?.origin === asked.origin) return true;
		return portOf(asked) === address.port && (isLoopbackHost(asked.hostname) || asked.hostname === address.host);
	});
}

function portOf({ port, protocol }: URL): number {
	return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

type Look = Pick<LookedAtListener, 'state' | 'reason'>;

async function look(service: string, isPublic: boolean, address: ListenAddress): Promise<Look> {
	// Chosen at the start: nobody can say now which one it will be.
	if (address.port === 0) return { state: 'free', reason: '' };
	const unusable = await whyUnusable(address.host);
	if (unusable !== undefined) return { state: 'unusable', reason: unusable };
	try {
		return address.tls ? await askOverTls(address, address.tls) : await askPlainly(service, isPublic, address);
	} catch (error) {
		const { code, cause, name } = error as NodeJS.ErrnoException;
		const reason = code ?? (cause as NodeJS.ErrnoException | undefined)?.code ?? name;
		if (reason === 'ECONNREFUSED') return { state: 'free', reason: '' };
		return { state: 'silent', reason: `what has it does not answer (${reason})` };
	}
}

/** Tried with a port that the system chooses: the configured one may be wanted by a service that starts right now. */
async function whyUnusable(host: string): Promise<string | undefined> {
	const server = createServer();
	try {
		server.listen({ host: host.replace(/^\[|\]$/g, ''), port: 0, exclusive: true });
		await once(server, 'listening');
		return undefined;
	} catch (error) {
		return `this host cannot listen there (${(error as NodeJS.ErrnoException).code})`;
	} finally {
		server.close();
	}
}

/** Where a listener is asked from its own host. */
export function hostToAsk(host: string): string {
	const bare = host.replace(/^\[|\]$/g, '');
	if (bare === '0.0.0.0' || bare === 'localhost') return '127.0.0.1';
	return bare === '::' ? '::1' : bare;
}

/** Listeners for clients say whose they are; the others have a liveness that they all answer alike. */
async function askPlainly(service: string, isPublic: boolean, { host, port }: ListenAddress): Promise<Look> {
	const asked = hostToAsk(host);
	const base = `http://${asked.includes(':') ? `[${asked}]` : asked}:${port}`;
	const answer = await fetch(`${base}${isPublic ? '/status' : '/healthz'}`, {
		signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
		redirect: 'manual',
	});
	// A status that is not known now is a refusal of ours, of which the listener for probes says more.
	const isRefusal = isPublic && answer.status === 503;
	const body = isRefusal ? {} : await jsonOf(answer);
	if (isRefusal) await answer.body?.cancel();
	const isOurs = isRefusal || (isPublic ? body.service === service : body.status === 'SERVING');
	return isOurs
		? { state: 'ours', reason: '' }
		: { state: 'other', reason: `something else answers there (HTTP ${answer.status})` };
}

async function jsonOf(answer: Response): Promise<Record<string, unknown>> {
	let text = '';
	const decoder = new TextDecoder();
	for await (const chunk of answer.body ?? []) {
		text += decoder.decode(chunk, { stream: true });
		if (text.length > MAX_ANSWER_BYTES) break;
	}
	try {
		const json: unknown = JSON.parse(text);
		return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
	} catch {
		return {};
	}
}

/** Who shows the configured certificate has its key: nobody else needs to be believed. */
async function askOverTls({ host, port }: ListenAddress, files: NonNullable<ListenAddress['tls']>): Promise<Look> {
	const socket = connect({ host: hostToAsk(host), port, rejectUnauthorized: false, timeout: ANSWER_WITHIN_MS });
	try {
		await Promise.race([
			once(socket, 'secureConnect'),
			once(socket, 'timeout').then(() => Promise.reject(Object.assign(new Error('late'), { code: 'ETIMEDOUT' }))),
		]);
		return await compareCertificate(socket, files);
	} finally {
		socket.on('error', () => undefined);
		socket.destroy();
	}
}

async function compareCertificate(socket: TLSSocket, files: NonNullable<ListenAddress['tls']>): Promise<Look> {
	const shown = socket.getPeerX509Certificate();
	const own = await openTlsPair(files, Date.now()).catch(() => undefined);
	// What is wrong with the files is said by another check.
	if (!own || shown?.fingerprint256 === own.leaf.fingerprint256) return { state: 'ours', reason: '' };
	return {
		state: 'other',
		reason: `what answers there shows another certificate (${shown?.subject ?? 'none'}) than the file has`,
	};
}
