/**
 * What the services of a running instance show at `/metrics`, read by a parser of others: well-formed, every series
 * declared in a table, and every declared one there.
 */
import { CA_SERIES } from '@chancery/ca/metrics';
import {
	CHASSIS_SERIES,
	CHECK_SERIES,
	DATABASE_SERIES,
	MARK_SERIES,
	PROCESS_SERIES,
	SIGNER_SERIES,
} from '@chancery/chassis/chassis-series';
import { CTLOG_SERIES } from '@chancery/ctlog/metrics';
import { IDENTITY_SERIES } from '@chancery/identity/metrics';
import { LOG_SERIES } from '@chancery/log/metrics';
import { ENGINE_SERIES } from '@chancery/tlog/engine-metrics';
import { TSA_SERIES } from '@chancery/tsa/metrics';
import { TUF_SERIES } from '@chancery/tuf/metrics';
import { getMetrics } from '@chancery/wire/administration';
import parse from 'parse-prometheus-text-format';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSubject } from '../inputs/subject.ts';

const EVERY = [...CHASSIS_SERIES, ...PROCESS_SERIES];
/** The service adds which log they are of. */
const ENGINE = ENGINE_SERIES.map((series) => ({ ...series, labels: ['log'] }));
const LOGS = [...EVERY, ...SIGNER_SERIES, ...MARK_SERIES, ...DATABASE_SERIES, ...CHECK_SERIES];
const SERVICES = [
	{ service: 'ca', series: [...EVERY, ...SIGNER_SERIES, ...DATABASE_SERIES, ...CA_SERIES] },
	{ service: 'log', series: [...LOGS, ...ENGINE, ...LOG_SERIES] },
	{ service: 'ctlog', series: [...LOGS, ...ENGINE, ...CTLOG_SERIES] },
	{ service: 'tsa', series: [...EVERY, ...SIGNER_SERIES, ...MARK_SERIES, ...TSA_SERIES] },
	{ service: 'tuf', series: [...EVERY, ...SIGNER_SERIES, ...MARK_SERIES, ...DATABASE_SERIES, ...TUF_SERIES] },
	{ service: 'identity', series: [...EVERY, ...DATABASE_SERIES, ...IDENTITY_SERIES] },
];

const subject = openSubject('instance');

async function scrape(service: string): Promise<{ type: string | null; text: string }> {
	const reply = await fetch(`${subject.listeners[`${service} admin`]}/metrics`, {
		headers: { authorization: `Bearer ${subject.secrets.service}` },
	});
	expect(reply.status).toBe(200);
	return { type: reply.headers.get('content-type'), text: await reply.text() };
}

/** The value of the series that begins with these characters, labels included as far as they go. */
async function sampleOf(service: string, beginning: string, ...labels: string[]): Promise<number> {
	const { text } = await scrape(service);
	const line = text
		.split('\n')
		.find((line) => line.startsWith(beginning) && labels.every((label) => line.includes(label)));
	return Number(line?.split(' ').at(-1) ?? 0);
}

describe.each(SERVICES)('$service', ({ service, series }) => {
	let type: string | null;
	let text: string;
	beforeAll(async () => {
		({ type, text } = await scrape(service));
	});

	it('shows exactly the families that its tables declare, each of the declared type', () => {
		const families = parse(text).map((family) => `${family.name} ${family.type.toLowerCase()} ${family.help}`);
		expect(type).toBe(getMetrics.replyType);
		expect(families.sort()).toEqual(series.map(({ name, kind, help }) => `${name} ${kind} ${help}`).sort());
	});

	it('has the labels that are declared, beside the service', () => {
		// From the lines themselves: the parser drops the labels of histograms.
		for (const line of text.split('\n').filter((line) => /^[a-z]/.test(line))) {
			const [sample = ''] = line.split('{');
			const declared = series.find(({ name }) =>
				[name, `${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample),
			);
			const labels = declared !== undefined && 'labels' in declared ? (declared.labels ?? []) : [];
			const shown = [...line.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
			expect(shown.sort(), line).toEqual([...labels, 'service'].sort());
		}
	});

	it('has no series twice, and no value that is none', () => {
		const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
		const samples = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
		expect(new Set(samples).size).toBe(samples.length);
		for (const line of lines) expect(Number(line.slice(line.lastIndexOf(' '))), line).not.toBeNaN();
	});
});

describe('what strangers send', () => {
	it('makes no series: neither paths nor claims nor names of kinds', async () => {
		const { ca, log, identity } = subject.urls;
		const mark = 'surprise7f3a';
		const post = (url: string, body: object) =>
			fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
		await fetch(`${ca}/${mark}`);
		const claims = Buffer.from(JSON.stringify({ iss: `https://${mark}.example`, sub: mark })).toString('base64url');
		const head = Buffer.from(JSON.stringify({ alg: 'RS256' })).toString('base64url');
		await post(`${ca}/api/v2/signingCert`, { credentials: { oidcIdentityToken: `${head}.${claims}.AAAA` } });
		await post(`${log}/api/v1/log/entries`, { kind: mark, apiVersion: '0.0.1', spec: {} });
		await fetch(`${identity}/auth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: mark }) });
		for (const { service } of SERVICES) expect((await scrape(service)).text).not.toContain(mark);
		expect(await sampleOf('ca', 'chancery_ca_certificates_refused_total', 'issuer-unknown')).toBeGreaterThan(0);
		expect(await sampleOf('log', 'http_refusals_total', 'kind-not-enabled')).toBeGreaterThan(0);
	});
});

describe('what the self-test of the instance did', () => {
	it.each([
		['ca', 'chancery_ca_certificates_issued_total', 'issuer_type="email"'],
		['ca', 'chancery_ca_step_duration_seconds_count', 'step="token"'],
		['ca', 'chancery_ca_step_duration_seconds_count', 'step="store"'],
		['ca', 'chancery_ca_step_duration_seconds_count', 'step="sign"'],
		['ca', 'chancery_ca_step_duration_seconds_count', 'step="sct"'],
		['ca', 'chancery_ca_issuer_available', ''],
		['ctlog', 'chancery_ctlog_chains_total', 'type="precert"'],
		['log', 'chancery_signature_log_entries_total', 'result="added"'],
		['tsa', 'chancery_tsa_timestamps_issued_total', ''],
		['tsa', 'chancery_tsa_signing_duration_seconds_count', ''],
		['tuf', 'chancery_tuf_publications_total', 'role="root"'],
		['tuf', 'chancery_tuf_version', 'role="timestamp"'],
		['identity', 'chancery_identity_tokens_total', 'outcome="issued"'],
		['ca', 'database_connections_idle', ''],
		['log', 'chancery_log_published_entries', 'log="v1"'],
		['log', 'chancery_log_batches_total', 'log="v2"'],
		['ctlog', 'chancery_log_batch_seconds_count', 'log="ctlog"'],
		['log', 'chancery_log_integrated_entries', 'log="v2"'],
		['log', 'chancery_log_mark_entries', 'log="v2"'],
		['log', 'chancery_log_mark_write_timestamp_seconds', 'log="v1"'],
		['ctlog', 'chancery_ctlog_max_merge_delay_seconds', ''],
		['ca', 'database_connections_max', ''],
		['ca', 'signer_duration_seconds_count', 'key="issuing"'],
		['log', 'signer_duration_seconds_count', 'key="v1"'],
		['log', 'signer_duration_seconds_count', 'key="v2"'],
		['ctlog', 'signer_duration_seconds_count', 'key="signer"'],
		['tsa', 'signer_duration_seconds_count', 'key="signer"'],
		['tuf', 'signer_duration_seconds_count', 'key="timestamp"'],
	])('is counted: %s %s %s', async (service, name, label) => {
		expect(await sampleOf(service, name, label)).toBeGreaterThan(0);
	});

	it('is counted for the issuer that the configuration names, and for no other', async () => {
		const { text } = await scrape('ca');
		const issuers = [...text.matchAll(/^chancery_ca_certificates_issued_total\{.*issuer="([^"]*)"/gm)].map(
			([, of]) => of,
		);
		expect(issuers.length).toBeGreaterThan(0);
		expect(issuers.filter((issuer) => issuer !== subject.oidcIssuer)).toEqual([]);
	});

	it('says when chains and metadata end', async () => {
		for (const [service, name] of [
			['ca', 'chancery_ca_chain_expiry_timestamp_seconds'],
			['tsa', 'chancery_tsa_chain_expiry_timestamp_seconds'],
			['tuf', 'chancery_tuf_expiry_timestamp_seconds'],
		] as const)
			expect(await sampleOf(service, name)).toBeGreaterThan(Date.now() / 1000);
	});
});
