/**
 * CRASH_KILLS kills (1,000 unless set), CRASH_WRITERS writers (256), CRASH_SEED to repeat the choices of a run,
 * CRASH_FSCK_EVERY kills a run of Tessera's fsck (100).
 */
import { generateKeyPairSync } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { afterAll, expect, it } from 'vitest';
import { campaignSeed } from './campaign-seed.ts';
import { findFsck, openFsck } from './fsck.ts';
import { createJudge } from './judge.ts';
import { Victims } from './kill-campaign.ts';
import { LOG_NAMES } from './proposals.ts';
import { say, summaryOf } from './report.ts';
import { createTestbed, readSettings, type Testbed } from './testbed.ts';
import { startWriters, type Writers } from './writers.ts';

const KILLS = Number(process.env.CRASH_KILLS ?? 1_000);
const WRITERS = Number(process.env.CRASH_WRITERS ?? 256);
const FSCK_EVERY = Number(process.env.CRASH_FSCK_EVERY ?? 100);
const LOOK_UNDER_LOAD_EVERY = 4;
const TIMEOUT_MS = 8 * 3_600_000;
const PROGRESS_EVERY = Math.max(1, Math.min(25, Math.floor(KILLS / 4)));

let testbed: Testbed | undefined;
let victims: Victims | undefined;
let writers: Writers | undefined;
afterAll(async () => {
	writers?.abandon();
	await writers?.stop();
	await victims?.end();
	await testbed?.remove();
});

it(
	`loses, doubles and forks nothing that it acknowledged, through ${KILLS} kills under ${WRITERS} writers`,
	async () => {
		const seed = campaignSeed();
		const startedAtMs = performance.now();
		say(`kill campaign: ${KILLS} kills, ${WRITERS} writers, seed ${seed} (CRASH_SEED=${seed} repeats its choices)`);
		testbed = await createTestbed();
		victims = new Victims(testbed, seed);
		await victims.start();
		await testbed.registerAuthority();
		const settings = await readSettings(testbed.plan.databaseUrl);
		say(
			`the server says: ${Object.entries(settings)
				.map(([name, value]) => `${name}=${value}`)
				.join(' ')}`,
		);
		expect(settings).toMatchObject({ fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' });

		const { urls, client, reader, authority, folder } = testbed;
		const found = await findFsck();
		if ('notRun' in found) say(found.notRun);
		if ('path' in found) {
			// One that cannot complain would prove nothing: with another key it has to.
			const { publicKey } = generateKeyPairSync('ed25519');
			expect(await (await openFsck(found.path, folder, publicKey))(urls.v2)).toMatchObject({
				complaint: expect.any(String),
			});
		}
		const fsck = 'path' in found ? await openFsck(found.path, folder, reader.keys.v2) : undefined;
		const verdicts: string[] = [];
		const runFsck = async () => {
			const verdict = await fsck?.(urls.v2);
			if (verdict === undefined) return;
			expect(verdict, `Tessera's fsck after ${victims?.kills} kills`).toBe('intact');
			verdicts.push('intact');
		};

		writers = startWriters({ urls, client, reader, authority, seed, count: WRITERS });
		const judge = createJudge({ urls, client, reader, random: new SeededRandom(`${seed} judge`) });
		const lookSeconds: number[] = [];
		for (let round = 1, nextFsck = FSCK_EVERY; victims.kills < KILLS; round++) {
			await Promise.race([victims.round(), writers.violated]);
			expect(writers.violations).toEqual([]);
			const lookedAtMs = performance.now();
			// Mostly the writers pause while the judge reads, or a thousand looks would take hours; now and then they do not.
			if (round % LOOK_UNDER_LOAD_EVERY !== 0) writers.hold();
			try {
				await judge.look();
				writers.goOn();
			} catch (error) {
				const { counts } = writers;
				say(
					`after ${victims.kills} kills: ${JSON.stringify(counts)}; the log process said: ${victims.server.lastWords()}`,
				);
				throw error;
			}
			lookSeconds.push((performance.now() - lookedAtMs) / 1000);
			expect(writers.violations).toEqual([]);
			if (victims.kills >= nextFsck) {
				nextFsck += FSCK_EVERY;
				await runFsck();
			}
			if (round % PROGRESS_EVERY === 0)
				say(
					`${victims.kills} kills, ${Math.round((performance.now() - startedAtMs) / 1000)} s, ` +
						`${writers.counts.acknowledged} acknowledgements, entries ${JSON.stringify(judge.sizes)}`,
				);
		}

		// The writers come to their ends, and everything is read once more, from the first entry on, by a judge who knows nothing.
		await writers.stop();
		expect(writers.violations).toEqual([]);
		await judge.look();
		const last = createJudge({ urls, client, reader, random: new SeededRandom(`${seed} last`), everything: true });
		await last.look();
		expect(last.sizes).toEqual(judge.sizes);
		await runFsck();

		say(
			summaryOf({
				seed,
				seconds: (performance.now() - startedAtMs) / 1000,
				kills: victims.counts,
				writers: writers.counts,
				ledgers: LOG_NAMES.map((name) => reader.ledgers[name]),
				judged: judge.counts,
				lookSeconds,
				sizes: last.sizes,
				fsck: 'notRun' in found ? found.notRun : `${verdicts.length} runs, all intact`,
			}),
		);
		// What was not run is said by name; where it is required, it fails, after everything else was shown.
		if (process.env.CI && process.env.CRASH_REQUIRE_FSCK && 'notRun' in found) throw new Error(found.notRun);
	},
	TIMEOUT_MS,
);
