/**
 * `chancery trust publish`: from running services to a root of trust that clients follow. The keyholder's part: the
 * services report their keys, and only what `chancery init` has made is signed.
 *
 * Every step looks at what is there. A crash leaves a repository that says less than it should, and the next run goes on.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallError, call } from '@chancery/net/call';
import { registerRoot } from '@chancery/wire/ct';
import { getTrustReport } from '@chancery/wire/trust-report';
import { z } from 'zod';
import type { Answers } from '../bootstrap/init/answers.ts';
import { adminUrl } from '../bootstrap/init/init-configuration.ts';
import { openHolderKey } from '../bootstrap/init/init-material.ts';
import { sha256Hex } from '../bootstrap/init/init-record.ts';
import { layoutOf } from '../bootstrap/init/layout.ts';
import { holdTrustCeremony } from '../bootstrap/trust-ceremony.ts';
import { Refusal } from '../instance/refusal.ts';

export interface PublishTrustOrder {
	/** Folder of `chancery init`, with `offline/`. */
	readonly folder: string;
	readonly answers: Answers;
	/** Host of all admin listeners, where it is another from here than the answers say: of a tunnel to them. */
	readonly adminAt?: string | undefined;
	/** Base URL of the TUF service, where it is another from here than clients use. */
	readonly tufAt?: string | undefined;
	/** Milliseconds for the services to come up. */
	readonly waitMs: number;
	readonly fetch: typeof fetch;
	readonly say: (line: string) => void;
}

export interface PublishedTrust {
	/** Base URL of the repository. */
	readonly mirror: string;
	/** SHA-256 (hexadecimal) of the first root. */
	readonly fingerprint: string;
	readonly isChange: boolean;
}

const RETRY_MS = 500;

/** @throws {Refusal} when a service is not there in time, or reports what `init` has not made; KeyError */
export async function publishTrust(order: PublishTrustOrder): Promise<PublishedTrust> {
	const { folder, answers, say } = order;
	const layout = layoutOf(folder, answers);
	const signers = {
		root: await openHolderKey(layout, answers, 'tuf-root'),
		targets: await openHolderKey(layout, answers, 'tuf-targets'),
	};
	const operatorToken = (await readNamed(layout.operatorToken)).trimEnd();
	const material = z.array(z.string()).parse(JSON.parse(await readNamed(join(layout.trust, 'material.json'))));
	const firstRoot = await readFile(join(layout.trust, 'root.json'));
	const headers = { authorization: `Bearer ${operatorToken}` };
	const mirror = answers.urls.tuf;
	if (mirror === undefined) throw new Refusal('the answers name no address of the TUF service');
	const admin = (service: string) => atHost(adminUrl({ layout, answers }, service), order.adminAt);

	const until = Date.now() + order.waitMs;
	const onWait = (reason: string) => say(`waiting for the services: ${reason}`);
	await retry(until, onWait, async () => {
		const { body: report } = await call(getTrustReport, admin('ca'), {}, { fetch: order.fetch, headers });
		await call(registerRoot, admin('ctlog'), { query: {}, body: report }, { fetch: order.fetch, headers });
	});
	say('the CT log accepts the root of the CA');
	const { isChange } = await retry(until, onWait, async () =>
		holdTrustCeremony({
			publicUrl: order.tufAt ?? mirror,
			adminUrl: admin('tuf'),
			operatorToken,
			firstRoot: async () => firstRoot,
			signers,
			ownMaterial: new Set(material),
			fetch: order.fetch,
			nowMs: Date.now(),
		}),
	);
	say(isChange ? 'the root of trust names the keys of all services' : 'the root of trust is up to date');
	return { mirror, fingerprint: sha256Hex(firstRoot), isChange };
}

/** Each service has an admin port of its own, so one host stands for all. */
function atHost(url: string, host: string | undefined): string {
	if (host === undefined) return url;
	const moved = new URL(url);
	moved.hostname = host;
	return moved.origin;
}

async function readNamed(path: string): Promise<string> {
	return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
		throw new Refusal(`${path} cannot be read (${cause.code}): is this the folder that 'chancery init' made?`, {
			cause,
		});
	});
}

/** Services come up in any order, and answer 502 or 503 while another is missing. */
async function retry<T>(until: number, onWait: (reason: string) => void, work: () => Promise<T>): Promise<T> {
	for (let tries = 1; ; tries++) {
		try {
			return await work();
		} catch (error) {
			const isPassing = error instanceof CallError && (error.status === undefined || error.status >= 500);
			if (!isPassing) throw error;
			if (Date.now() > until)
				throw new Refusal(`${error.message}; are the services running? (--wait SECONDS)`, { cause: error });
			if (tries === 1) onWait(error.message);
			await sleep(RETRY_MS);
		}
	}
}
