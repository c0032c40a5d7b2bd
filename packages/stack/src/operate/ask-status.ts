/**
 * `chancery status`: what the services of an instance say of themselves, asked like anybody would: `/status` where clients
 * reach them, `/readyz` where supervisors do. Needs no token.
 */
import { readFile } from 'node:fs/promises';
import { loadConfig } from '@chancery/chassis/config/config';
import type { ListenAddress } from '@chancery/chassis/config/process-config';
import { readProcessSettings } from '@chancery/chassis/process/process-settings';
import { CallError, call } from '@chancery/net/call';
import { getReadiness } from '@chancery/wire/administration';
import { getStatus, type ServiceStatus } from '@chancery/wire/status';
import { z } from 'zod';
import { existingDataFolder } from '../instance/data-folder.ts';
import type { InstancePlace } from '../instance/instance-place.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { Refusal } from '../instance/refusal.ts';
import { trustInstance } from '../instance/trust-instance.ts';
import { SERVICES } from '../services.ts';

/** What one listener for clients answered. */
export interface AskedService {
	/** As an instance names the address: `log` and `log2` are one service. */
	readonly name: string;
	/** Base URL. */
	readonly url: string;
	/** Both answers say so, as far as they came. */
	readonly ready: boolean;
	/** Undefined: no answer; then `problem` says why. */
	readonly status: ServiceStatus | undefined;
	readonly problem: string | undefined;
}

interface Address {
	readonly name: string;
	readonly url: string;
	/** Where `/readyz` is; undefined: at no address that is known here. */
	readonly probe: string | undefined;
}

/** Longer than a readiness takes that does not come. */
const ANSWER_WITHIN_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** @throws {Refusal} when there is no instance, {ConfigError} */
export async function askStatus(place: InstancePlace, fetcher: typeof fetch): Promise<readonly AskedService[]> {
	const addresses = 'config' in place ? await configuredAddresses(place.config) : await folderAddresses(place.data);
	return Promise.all(addresses.map((address) => ask(address, fetcher)));
}

async function ask({ name, url, probe }: Address, fetcher: typeof fetch): Promise<AskedService> {
	const limits = { fetch: fetcher, timeoutMs: ANSWER_WITHIN_MS, maxReplyBytes: MAX_ANSWER_BYTES };
	const readiness = probe === undefined ? undefined : call(getReadiness, probe, {}, limits);
	// Admin listeners belong on loopback: from elsewhere the public answer has to do.
	const isProbed = readiness?.then(
		({ body }) => body.ready,
		() => true,
	);
	try {
		const { body: status } = await call(getStatus, url, {}, limits);
		const isReady = status.ready && (await isProbed) !== false;
		return { name, url, ready: isReady, status, problem: undefined };
	} catch (error) {
		if (!(error instanceof CallError)) throw error;
		await isProbed;
		return { name, url, ready: false, status: undefined, problem: error.message };
	}
}

async function configuredAddresses(path: string): Promise<Address[]> {
	const { sections } = await loadConfig(path);
	const there = SERVICES.map(({ definition }) => definition).filter(({ name }) => Object.hasOwn(sections, name));
	if (there.length === 0) throw new Refusal(`${path} has no section of a service`);
	const { services } = await readProcessSettings(there, path);
	return services.flatMap(({ definition, listen, config }) => {
		const urls = definition.publicUrls(config);
		const probe = probeUrl(listen.probe ?? listen.admin);
		return Object.entries(definition.listeners).map(([listener, name]) => ({ name, url: urls[listener] ?? '', probe }));
	});
}

/** Undefined for one whose port is only known to the process that has it, and for one that asks for a certificate. */
function probeUrl(address: ListenAddress | undefined): string | undefined {
	if (!address || address.port === 0 || address.tls?.clientCaFile !== undefined) return undefined;
	const bare = address.host.replace(/^\[|\]$/g, '');
	const host = bare === '0.0.0.0' || bare === '::' ? 'localhost' : bare.includes(':') ? `[${bare}]` : bare;
	return `${address.tls ? 'https' : 'http'}://${host}:${address.port}`;
}

const instanceFile = z.object({
	services: z.record(z.string(), z.object({ url: z.string() })),
	admin: z.record(z.string(), z.object({ url: z.string() })).default({}),
});

/** What `up` wrote when it was ready last; the admin listeners have other ports after each start. */
async function folderAddresses(data: string): Promise<Address[]> {
	const folder = existingDataFolder(data);
	if (!(await readInstanceRecord(folder))) throw new Refusal(`${folder.path} holds no instance`);
	trustInstance(folder);
	const text = await readFile(folder.instance, 'utf8').catch((cause: NodeJS.ErrnoException) => {
		throw new Refusal(`${folder.path} was never ready: start it with 'chancery up --data ${data}' (${cause.code})`, {
			cause,
		});
	});
	const { services, admin } = parseInstance(text, folder.instance);
	return Object.entries(services).map(([name, { url }]) => {
		const owner = SERVICES.find(({ definition }) => Object.values<string>(definition.listeners).includes(name));
		return { name, url, probe: admin[owner?.definition.name ?? name]?.url };
	});
}

function parseInstance(text: string, path: string): z.output<typeof instanceFile> {
	try {
		return instanceFile.parse(JSON.parse(text));
	} catch (cause) {
		throw new Refusal(`${path} cannot be read as the file that 'chancery up' writes: start it again`, { cause });
	}
}
