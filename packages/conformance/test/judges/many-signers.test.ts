/**
 * Many signers at once, each a process of our command, while both cores are busy with other things: slow, but every one
 * gets its bundle, and no entry is lost or made twice. A few in one round here; `SIGNERS` (100) and `SIGN_ROUNDS` (20)
 * make the whole campaign.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, describe, expect, it } from 'vitest';
import { chancery, openInstance } from './running-instance.ts';

const SIGNERS = Number(process.env.SIGNERS ?? 10);
const ROUNDS = Number(process.env.SIGN_ROUNDS ?? 1);
const ROUND_WITHIN_MS = 600_000;
const EMAIL = 'alice@example.com';

const instance = openInstance('instance');
const folder = mkdtempSync(join(tmpdir(), 'chancery-signers-'));
const judge = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(instance.trustedRoot)), {
	ctlogThreshold: 1,
	tlogThreshold: 1,
	timestampThreshold: 1,
});
/** What keeps the cores busy besides. */
const busy = Array.from({ length: 2 }, () => new Worker('for (;;);', { eval: true }));
afterAll(async () => {
	await Promise.all(busy.map((worker) => worker.terminate()));
	rmSync(folder, { recursive: true });
});

describe.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))('in round %i', (round) => {
	it(
		`${SIGNERS} signers at once have ${SIGNERS} bundles, which @sigstore/verify accepts, of as many entries`,
		async () => {
			const token = await instance.token(EMAIL);
			const startedAt = performance.now();
			const outcomes = await Promise.all(
				Array.from({ length: SIGNERS }, async (_, i) => {
					const artifact = join(folder, `${round}-${i}`);
					writeFileSync(artifact, `${round} ${i}`);
					const options = ['--data', instance.data, '--identity-token', token, '--bundle', `${artifact}.json`];
					return chancery('sign-blob', ...options, artifact).then(
						() => artifact,
						({ stderr }: { stderr: string }) => new Error(stderr),
					);
				}),
			);
			const seconds = Math.round((performance.now() - startedAt) / 1000);
			process.stdout.write(`round ${round}: ${SIGNERS} signers in ${seconds} s\n`);
			expect(outcomes.filter((outcome) => outcome instanceof Error)).toEqual([]);
			const indexes = (outcomes as string[]).map((artifact) => {
				const bundle = JSON.parse(readFileSync(`${artifact}.json`, 'utf8'));
				const entity = toSignedEntity(bundleFromJSON(bundle), readFileSync(artifact));
				judge.verify(entity, { subjectAlternativeName: EMAIL });
				return bundle.verificationMaterial.tlogEntries[0].logIndex;
			});
			expect(new Set(indexes).size).toBe(SIGNERS);
		},
		ROUND_WITHIN_MS,
	);
});
