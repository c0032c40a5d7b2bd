/** The listeners of a service: their addresses, and the certificates that they show. */
import { isIP } from 'node:net';
import { type Diagnosis, judgeEnd, ok, problem, warning } from '@chancery/chassis/checkup';
import type { ServiceSettings } from '@chancery/chassis/process/process-settings';
import { openTlsPair } from '@chancery/chassis/tls/tls-pair';
import type { LookedAtListener } from './looked-at-listeners.ts';

/** Renewal is somebody else's, and runs at least weekly; the alert rules say the same. */
const WARN_DAYS = 7;

export function judgeListener({ name, address: { host, port }, state, reason }: LookedAtListener): Diagnosis {
	const where = `${name} at ${host}:${port}`;
	switch (state) {
		case 'free':
			return ok(`${where} is free: the service does not run`);
		case 'ours':
			return ok(`${where} is in use by the service itself`);
		case 'unusable':
			return problem(`${where}: ${reason}`, 'write an address of this host (ip address), or localhost');
		default:
			return problem(`${where}: ${reason}`, `see who has it: ss -ltnp 'sport = :${port}'`);
	}
}

/** @throws {ConfigError} when a pair cannot be used, saying what to do */
export async function checkTls({ definition, listen, config }: ServiceSettings, nowMs: number): Promise<Diagnosis[]> {
	const publicUrls = definition.publicUrls(config);
	const found: Diagnosis[] = [];
	for (const [name, { tls }] of Object.entries(listen)) {
		if (!tls) continue;
		const { leaf, notAfter } = await openTlsPair(tls, nowMs);
		const advice = `renew ${tls.certificateFile}; the service reads it again by itself`;
		found.push(
			judgeEnd(`the certificate of ${name}`, { endMs: notAfter.getTime(), nowMs, warnDays: WARN_DAYS }, advice),
		);
		const host = new URL(publicUrls[name] ?? 'http://localhost').hostname.replace(/^\[|\]$/g, '');
		if (publicUrls[name] === undefined) continue;
		const isNamed = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host);
		if (isNamed === undefined)
			found.push(
				warning(
					`the certificate of ${name} is for ${leaf.subjectAltName ?? leaf.subject}, and clients are sent to ${host}`,
					`have one issued for ${host}, unless a proxy in front has it`,
				),
			);
	}
	return found;
}
