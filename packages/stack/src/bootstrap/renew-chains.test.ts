/** The chains of a development instance over the years, under clocks that are right and wrong; openssl is the judge. */
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ca as authority } from '@chancery/ca/definition';
import { parsePem } from '@chancery/core/pem';
import { tsa as timestampAuthority } from '@chancery/tsa/definition';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../instance/refusal.ts';
import { openDevelopmentChains } from './development-chains.ts';
import { type DevelopmentKeys, openDevelopmentKeys } from './development-keys.ts';
import { renewEndedChains } from './renew-chains.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const MADE_MS = Date.UTC(2026, 5, 1);

const base = mkdtempSync(join(tmpdir(), 'chancery-chains-'));
afterAll(() => rmSync(base, { recursive: true }));

let keys: DevelopmentKeys;
let folder: string;
beforeAll(async () => {
	keys = await openDevelopmentKeys(base);
});
beforeEach(() => {
	folder = mkdtempSync(join(base, 'chains-'));
});

/** What a start does at this time, and what it finds then. */
async function start(afterYears: number) {
	const nowMs = MADE_MS + afterYears * YEAR_MS;
	const done = await renewEndedChains(folder, keys, nowMs);
	const { ca, tsa, past } = await openDevelopmentChains(folder, keys, new Date(MADE_MS));
	for (const pem of [ca, tsa]) expect(judge(pem, nowMs)).toMatch(/: OK\n$/);
	for (const [pem, signer] of [
		[ca, keys.of(authority).issuing],
		[tsa, keys.of(timestampAuthority).signer],
	] as const)
		expect(spkiOf(pem)).toEqual(Buffer.from(signer.publicKey));
	return { ca, tsa, past, done };
}

/** What openssl says of a chain at a time. */
function judge(pem: string, atMs: number): string {
	const [first, root] = split(pem);
	writeFileSync(join(folder, 'first'), first!);
	writeFileSync(join(folder, 'root'), root!);
	const at = ['-attime', String(atMs / 1000)];
	const args = ['verify', ...at, '-CAfile', join(folder, 'root'), join(folder, 'first')];
	const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
	return stdout + stderr;
}

const split = (pem: string) => parsePem(pem).map(({ der }) => new X509Certificate(der).toString());
const rootOf = (pem: string) => split(pem).at(-1);
const spkiOf = (pem: string) => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });

describe('when the clock was ahead at one start', () => {
	it.each([
		['4 years', 4, ['ca']],
		['12 years, past the end of every root', 12, ['ca', 'tsa']],
	] as const)('by %s, the chain of before is put back, and each stays trusted once', async (_, years, ended) => {
		const first = await start(0);
		const ahead = await start(years);
		expect(ahead.done).toHaveLength(ended.length);
		const back = await start(0.1);
		expect([back.ca, back.tsa]).toEqual([first.ca, first.tsa]);
		expect(back.done).toEqual(
			ended.map(() => expect.stringMatching(/begin at 20\d\d-\d\d-\d\d, because the clock was ahead .*: put back/)),
		);
		expect(split(back.past)).toHaveLength(2 * ended.length);
		for (const name of ended) expect(back.past).toContain(ahead[name]);
		expect((await start(0.2)).done).toEqual([]);
		// When the other one's time has come, it is taken up.
		expect([(await start(years)).ca, (await start(years)).tsa]).toEqual([ahead.ca, ahead.tsa]);
	});

	it('and the one of before has ended meanwhile, a new one is made below the root that lasts', async () => {
		const first = await start(0);
		const ahead = await start(12);
		const { ca, done, past } = await start(3.5);
		expect(rootOf(ca)).toBe(rootOf(first.ca));
		expect(done[0]).toMatch(/because the clock was ahead .*: made new ones under the same keys/);
		for (const pem of [first.ca, ahead.ca]) expect(past).toContain(pem);
		expect((await start(3.6)).done).toEqual([]);
	});

	it('and stopped between the two files, the next start goes on', async () => {
		const first = await start(0);
		const ahead = await start(4);
		await start(0.1);
		// As a crash leaves it: the one of the future is kept already, and not yet replaced.
		writeFileSync(join(folder, 'ca-chain.pem'), ahead.ca);
		expect((await start(0.1)).ca).toBe(first.ca);
	});
});

it('a clock before all of the chains is refused with the time when the first begins, and nothing changes', async () => {
	await start(0);
	const { ca } = await start(4);
	const refusal = await renewEndedChains(folder, keys, MADE_MS - YEAR_MS).catch((error: unknown) => error);
	expect(refusal).toBeInstanceOf(Refusal);
	expect((refusal as Refusal).message).toMatch(/CA .* begin at 2026-06-01T\S+, and it is 2025-06-01T\S+: set this/);
	expect(readFileSync(join(folder, 'ca-chain.pem'), 'utf8')).toBe(ca);
});

it('a chain of other keys is not put back', async () => {
	await start(0);
	const other = await openDevelopmentKeys(mkdtempSync(join(base, 'other-')));
	const foreign = mkdtempSync(join(base, 'chains-'));
	const { ca } = await openDevelopmentChains(foreign, other, new Date(MADE_MS));
	writeFileSync(join(folder, `ca-chain-past-${'0'.repeat(16)}.pem`), ca);
	const ofBefore = readFileSync(join(folder, 'ca-chain.pem'));
	await start(4);
	for (const name of readdirSync(folder))
		if (name.includes('-past-') && ofBefore.equals(readFileSync(join(folder, name)))) rmSync(join(folder, name));
	expect(split((await start(0.1)).ca)[0]).not.toBe(split(ca)[0]);
});
