/** What makes a set of services usable, and proves that it is: their trust is published, then a client signs and verifies. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { selfTest } from '@chancery/client/self-test';
import { call } from '@chancery/net/call';
import { tuf } from '@chancery/tuf/definition';
import { registerRoot } from '@chancery/wire/ct';
import { mintDevelopmentToken } from '@chancery/wire/identity';
import { getTrustReport } from '@chancery/wire/trust-report';
import { signFirstRoot } from '../../src/bootstrap/first-root.ts';
import { holdTrustCeremony } from '../../src/bootstrap/trust-ceremony.ts';
import { ownMaterial } from '../../src/development/own-material.ts';
import { DEVELOPMENT_TOKEN, type InstanceFolder, OPERATOR_TOKEN } from './instance-folder.ts';

const EMAIL = 'alice@example.com';
const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };

/** Accepts the CA's root in the CT log and publishes the trusted root; safe to repeat. Answers the first root. */
export async function publishTrust({ url, keys, chains }: InstanceFolder): Promise<Uint8Array> {
	const { body: report } = await call(getTrustReport, url('ca.admin'), {}, { fetch, headers });
	await call(registerRoot, url('ctlog.admin'), { query: {}, body: report }, { fetch, headers });
	const { 'tuf-root': root, 'tuf-targets': targets } = keys.holders;
	const nowMs = Date.now();
	const { firstRoot } = await holdTrustCeremony({
		publicUrl: url('tuf.public'),
		adminUrl: url('tuf.admin'),
		operatorToken: OPERATOR_TOKEN,
		signers: { root, targets },
		firstRoot: () => signFirstRoot({ root, targets, ...keys.of(tuf), nowMs, validForDays: 365 }),
		ownMaterial: ownMaterial(keys, chains),
		fetch,
		nowMs,
	});
	return firstRoot;
}

/** Signs over every wire and verifies; answers the steps that were proved. */
export async function signAndVerify({ url, path }: InstanceFolder, initialRoot: Uint8Array): Promise<string[]> {
	const token = await call(
		mintDevelopmentToken,
		url('identity.public'),
		{ body: { email: EMAIL, audience: 'sigstore' } },
		{ fetch, headers: { authorization: `Bearer ${DEVELOPMENT_TOKEN}` } },
	);
	const steps: string[] = [];
	await selfTest({
		tuf: { mirror: url('tuf.public'), cacheDir: join(path, 'tuf-cache'), initialRoot },
		identityToken: token.body.token,
		email: EMAIL,
		issuer: `${url('identity.public')}/auth`,
		artifact: { name: 'artifact', bytes: randomBytes(64) },
		fetch,
		clock: Date.now,
		random: randomBytes,
		onStep: (message) => void steps.push(message),
	});
	return steps;
}
