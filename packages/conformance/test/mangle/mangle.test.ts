/**
 * Random and mangled input for every parser of outside bytes. MANGLE_SEED repeats a run, MANGLE_CASES bounds the cases
 * per parser, MANGLE_ONLY is the name of one parser. What was found once is replayed first, from `found.json`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64 } from '@chancery/core/bytes';
import { afterAll, describe, expect, it } from 'vitest';
import { say } from '../crash/report.ts';
import { BYTE_PARSERS } from './byte-parsers.ts';
import { type CampaignResult, judge, runCampaign } from './campaign.ts';
import { CERTIFICATE_PARSERS } from './certificate-parsers.ts';
import { FILE_PARSERS } from './file-parsers.ts';
import { HTTP_REPLY_PARSERS } from './http-reply-parsers.ts';
import { IDENTITY_PARSERS } from './identity-parsers.ts';
import { IDENTITY_REQUEST_PARSERS } from './identity-request-parsers.ts';
import { IDENTITY_UPSTREAM_PARSERS } from './identity-upstream-parsers.ts';
import { KEY_FILE_PARSERS } from './key-file-parsers.ts';
import { LOG_PARSERS } from './log-parsers.ts';
import type { ParserUnderTest } from './parser-under-test.ts';
import { RECORD_PARSERS } from './record-parsers.ts';
import { TOKEN_PARSERS } from './token-parsers.ts';
import { TOKEN_REPLY_PARSERS } from './token-reply-parsers.ts';
import { TUF_CLIENT_ROWS } from './tuf-client-rows.ts';
import { VERIFIERS } from './verifiers.ts';
import { startWatchdog } from './watchdog.ts';
import { WIRE_PARSERS } from './wire-parsers.ts';

/** Times the number of parsers this is more than a million. */
const DEFAULT_CASES = 12_000;

const ALL: readonly ParserUnderTest[] = [
	...BYTE_PARSERS,
	...CERTIFICATE_PARSERS,
	...LOG_PARSERS,
	...WIRE_PARSERS,
	...FILE_PARSERS,
	...IDENTITY_PARSERS,
	...IDENTITY_REQUEST_PARSERS,
	...IDENTITY_UPSTREAM_PARSERS,
	...KEY_FILE_PARSERS,
	...RECORD_PARSERS,
	...HTTP_REPLY_PARSERS,
	...TOKEN_REPLY_PARSERS,
	...VERIFIERS,
	...TOKEN_PARSERS,
	...TUF_CLIENT_ROWS,
];

const seed = process.env.MANGLE_SEED || `run-${Date.now().toString(36)}`;
const casesPerParser = Number(process.env.MANGLE_CASES || DEFAULT_CASES);
const { MANGLE_ONLY: only } = process.env;
const parsers = only === undefined ? ALL : ALL.filter(({ name }) => name === only);
if (parsers.length === 0)
	throw new Error(`no parser is called ${only}; there are: ${ALL.map(({ name }) => name).join(', ')}`);
if (!Number.isSafeInteger(casesPerParser) || casesPerParser < 1)
	throw new Error('MANGLE_CASES is not a number of cases');

const found: readonly { parser: string; why: string; base64: string }[] = JSON.parse(
	readFileSync(join(import.meta.dirname, 'found.json'), 'utf8'),
);

const watchdog = startWatchdog();
const results: CampaignResult[] = [];
const begun = performance.now();

afterAll(async () => {
	await watchdog.stop();
	say(tableOf(results));
});

it('names each parser once', () => {
	expect(ALL.map(({ name }) => name)).toEqual([...new Set(ALL.map(({ name }) => name))]);
});

describe.each(parsers)('$name', (parser) => {
	it('accepts its seeds', async () => {
		for (const [i, valid] of parser.seeds.entries())
			expect(await judge(parser, valid), `seed ${i}`).toEqual({ words: 'accepted', isAccepted: true });
	});

	it('deals with everything that was found before', async () => {
		for (const { parser: name, why, base64 } of found)
			if (name === parser.name) expect((await judge(parser, fromBase64(base64))).fault, why).toBeUndefined();
	});

	it('refuses mangled input with a typed error, or reads nothing into it', async () => {
		const cases = Math.max(1, Math.round(casesPerParser * parser.share));
		results.push(await runCampaign(parser, { seed, cases, watchdog }));
	});
});

function tableOf(rows: readonly CampaignResult[]): string {
	const total = rows.reduce((sum, { cases }) => sum + cases, 0);
	const width = Math.max(0, ...rows.map(({ name }) => name.length));
	const lines = rows.map(
		({ name, cases, refused, accepted, outcomes, slowestMs, heapGrowthBytes }) =>
			`  ${name.padEnd(width)}  ${String(cases).padStart(7)} cases  ${String(refused).padStart(7)} refused  ` +
			`${String(accepted).padStart(6)} accepted  ${String(outcomes).padStart(4)} outcomes  ` +
			`slowest ${slowestMs.toFixed(1).padStart(6)} ms  heap ${(heapGrowthBytes / 1024 / 1024).toFixed(1).padStart(5)} MiB`,
	);
	const seconds = Math.round((performance.now() - begun) / 1000);
	return `\n${lines.join('\n')}\n  MANGLE_SEED=${seed}: ${total} cases of ${rows.length} parsers in ${seconds} s\n`;
}
