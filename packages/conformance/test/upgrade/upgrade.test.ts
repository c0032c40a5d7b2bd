/**
 * Data of the released version under this one: it answers as it did, byte for byte, and goes on. What is promised stands in
 * `docs/upgrading.md`.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogKeys } from '../crash/signed-trees.ts';
import { fill, KINDS, type Sample } from './fill.ts';
import { FILLED_WITHIN_MS, type FilledInstance, openFilledInstance } from './filled-instance.ts';
import { openOldProgram } from './old-program.ts';
import { NEW_PROGRAM, type Program, type RunningInstance, run, startUp, type Urls } from './program.ts';
import { openReader, type Reader } from './reader.ts';
import { differences, record } from './recording.ts';
import { RELEASED } from './released-version.ts';
import { checkGrowth, checkV1Answer, checkV2Answer, type Heads, LOGS, readHeads, readLogKeys } from './signed-heads.ts';
import { SIGNER, sign, verify } from './signing.ts';
import { openSubmissions } from './submissions.ts';

const SERVICES: readonly (keyof Urls)[] = ['identity', 'ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf'];
const NEW_ENTRIES = 200;

let filled: FilledInstance;
let oldProgram: Program;

beforeAll(async () => {
	oldProgram = await openOldProgram();
	filled = await openFilledInstance(console.info);
}, FILLED_WITHIN_MS);

afterAll(async () => {
	if (filled) await rm(filled.base, { recursive: true, force: true });
});

describe(`data of version ${RELEASED.version} under this version`, () => {
	let instance: RunningInstance;
	let reader: Reader;
	/** By which everything is judged: those that clients had before. */
	let keys: LogKeys;
	let heads: Heads;

	beforeAll(async () => {
		instance = await startUp(NEW_PROGRAM, filled.place);
		reader = openReader(instance.urls);
		keys = await readLogKeys(filled.trustedRoot);
		heads = await readHeads(reader, keys);
	});

	afterAll(async () => {
		reader?.close();
		await instance?.stop();
	});

	it.each(SERVICES)('answers at %s every request that it has answered before, byte for byte', async (service) => {
		const before = filled.recorded.answers.filter(({ request }) => request.service === service);
		expect(before.length).toBeGreaterThan(0);
		expect(before.filter(({ status }) => status >= 300)).toEqual([]);
		const now = await record(
			reader,
			before.map(({ request }) => request),
		);
		expect(differences(before, now)).toEqual([]);
	});

	it('proves that every tree continues the one that was signed before', async () => {
		for (const log of LOGS) expect(heads[log].size).toBeGreaterThan(filled.recorded.heads[log].size);
		await checkGrowth(reader, filled.recorded.heads, heads);
	});

	it('proves entries from before in the newest trees', async () => {
		const entries = filled.recorded.answers.filter(({ request }) => request.path.endsWith('/log/entries'));
		expect(entries.length).toBeGreaterThan(100);
		for (const { request } of entries) {
			const { body } = await reader.ask(request.service, request.path, request.body);
			if (request.service === 'log') checkV1Answer(body.toString(), keys.v1);
			else checkV2Answer(body.toString(), keys.v2);
		}
	});

	it('accepts new entries behind the old ones', async () => {
		const samples = await fill(
			instance.urls,
			await openSubmissions('after the upgrade', filled.place.data),
			NEW_ENTRIES,
		);
		expect(new Set(samples.map(({ submission }) => submission.kind))).toEqual(new Set(KINDS));
		for (const sample of samples) {
			if (sample.submission.service === 'ctlog') continue;
			const log = sample.submission.service === 'log' ? 'v1' : 'v2';
			expect(indexOf(sample)).toBeGreaterThanOrEqual(heads[log].size);
			(log === 'v1' ? checkV1Answer : checkV2Answer)(sample.answer, keys[log]);
		}
		const grown = await readHeads(reader, keys);
		for (const [log, share] of [
			['v1', 0.4],
			['v2', 0.4],
			['ct', 0.2],
		] as const)
			expect(grown[log].size).toBeGreaterThanOrEqual(heads[log].size + NEW_ENTRIES * share);
		await checkGrowth(reader, filled.recorded.heads, grown);
	});

	it('gives clients the same trusted root, and TUF metadata that is not older', async () => {
		expect(await readFile(instance.trustedRoot, 'utf8')).toBe(await readFile(filled.trustedRoot, 'utf8'));
		expect(instance.oidcIssuer).toBe(filled.recorded.oidcIssuer);
		const { signed } = await reader.json<{ signed: { version: number } }>('tuf', '/timestamp.json');
		expect(signed.version).toBeGreaterThanOrEqual(filled.recorded.tufTimestamp.version);
	});

	it('verifies what was signed before, with the trusted roots of before and of now', async () => {
		const signed = { artifact: filled.artifact, oidcIssuer: filled.recorded.oidcIssuer };
		for (const trustedRoot of [filled.trustedRoot, instance.trustedRoot])
			for (const { path, isAttestation } of filled.bundles) {
				await verify(NEW_PROGRAM, filled.place, { ...signed, bundle: path, isAttestation, trustedRoot });
				const trust = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(await readFile(trustedRoot, 'utf8'))));
				const bundle = bundleFromJSON(JSON.parse(await readFile(path, 'utf8')));
				const artifact = isAttestation ? undefined : await readFile(filled.artifact);
				new Verifier(trust).verify(toSignedEntity(bundle, artifact), { subjectAlternativeName: SIGNER });
			}
	});

	it.each([
		[`version ${RELEASED.version}`, 'this version'],
		['this version', `version ${RELEASED.version}`],
	])('signs with the command of %s, and the one of %s verifies it', async (signerName) => {
		const [signer, verifier] = signerName === 'this version' ? [NEW_PROGRAM, oldProgram] : [oldProgram, NEW_PROGRAM];
		const { artifact, trustedRoot, recorded, place } = filled;
		for (const logVersion of [1, 2] as const) {
			const bundle = join(filled.base, `${signerName} ${logVersion}.sigstore.json`);
			await sign(signer, place, { artifact, bundle, logVersion });
			const { oidcIssuer } = recorded;
			await verify(verifier, place, { artifact, bundle, isAttestation: false, trustedRoot, oidcIssuer });
		}
	});

	it('is found whole by an audit of everything that is stored, and stops in order', async () => {
		reader.close();
		expect(await instance.stop()).toBe(0);
		const audit = await run(NEW_PROGRAM, filled.place, ['log', 'audit', '--data', filled.place.data, '--json']);
		expect(audit, audit.stderr).toMatchObject({ code: 0 });
		expect(JSON.parse(audit.stdout)).toMatchObject({ correct: true });
	});
});

function indexOf({ answer }: Sample): number {
	const json = JSON.parse(answer);
	return Number(json.logIndex ?? (Object.values(json) as { logIndex: number }[])[0]?.logIndex);
}
