/** One signature end to end, as any client would make it: the only check that leaves something behind, entries in the logs. */
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Diagnosis, ok, skipped } from '@chancery/chassis/checkup';
import type { ServiceSettings } from '@chancery/chassis/process/process-settings';
import { readIdentityToken } from '@chancery/client/identity-token';
import { selfTest } from '@chancery/client/self-test';
import { identity } from '@chancery/identity/definition';
import { call } from '@chancery/net/call';
import { tuf } from '@chancery/tuf/definition';
import { authIssuer } from '@chancery/wire/identity';
import { getMetadataFile } from '@chancery/wire/tuf';
import type { z } from 'zod';
import { mintToken } from '../development/mint-token.ts';
import type { LookedAtListener } from './looked-at-listeners.ts';

export interface SignatureOrder {
	readonly services: readonly ServiceSettings[];
	readonly listeners: readonly LookedAtListener[];
	/** Of the company's issuer; undefined: one that the development login of this file gives. */
	readonly identityToken: string | undefined;
	readonly fetch: typeof fetch | undefined;
}

const EMAIL = 'doctor@localhost.example';
const ARTIFACT_BYTES = 64;

/** @throws {ClientError | VerifyError} naming the step that failed */
export async function checkSignature(order: SignatureOrder): Promise<Diagnosis> {
	const { services, listeners, fetch } = order;
	if (!fetch) return skipped('no signature was made: nobody is to be called');
	const stopped = listeners.filter(({ state, name }) => state === 'free' && name !== 'admin' && name !== 'probe');
	if (stopped.length > 0)
		return skipped(
			`no signature was made: ${[...new Set(stopped.map(({ service }) => service))].join(', ')} does not run`,
		);
	const mirror = publicUrl(services, tuf.name);
	if (mirror === undefined)
		return skipped('no signature was made: the section tuf is not looked at, which says where clients begin');
	const token = await tokenOf(order);
	if (!token) return skipped('no signature was made: give a token that the CA accepts (--identity-token-file FILE)');
	const { body: initialRoot } = await call(getMetadataFile, mirror, { params: { file: '1.root.json' } }, { fetch });
	await using cache = await mkdtempDisposable(join(tmpdir(), 'chancery-doctor-'));
	const steps: string[] = [];
	await selfTest({
		tuf: { mirror, cacheDir: cache.path, initialRoot },
		...token,
		artifact: { name: 'doctor', bytes: randomBytes(ARTIFACT_BYTES) },
		fetch,
		clock: Date.now,
		random: randomBytes,
		onStep: (step) => void steps.push(step),
	});
	return ok(
		`signed and verified for ${token.email ?? 'the identity of the token'}, through ${mirror} (${steps.length} steps)`,
	);
}

function publicUrl(services: readonly ServiceSettings[], name: string): string | undefined {
	const found = services.find(({ definition }) => definition.name === name);
	return found?.definition.publicUrls(found.config).public;
}

async function tokenOf({ services, identityToken }: SignatureOrder) {
	if (identityToken !== undefined) {
		const { raw, issuer, subject } = readIdentityToken(identityToken);
		// What the CA makes of any other subject is its affair.
		return { identityToken: raw, issuer, email: subject.includes('@') ? subject : undefined };
	}
	const own = services.find(({ definition }) => definition.name === identity.name);
	const { publicUrl: url, developmentSecret } = (own?.config ?? {}) as Partial<
		z.output<ReturnType<typeof identity.config>>
	>;
	if (url === undefined || developmentSecret === undefined) return undefined;
	const minted = await mintToken({ url, secret: developmentSecret.reveal(), audience: 'sigstore', email: EMAIL });
	return { identityToken: minted, issuer: authIssuer(url), email: EMAIL };
}
