import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readAnswers } from './answers.ts';
import { chartValues } from './chart-values.ts';
import { EXAMPLES } from './example-answers.ts';
import { initInstance } from './init-instance.ts';

let base: string;
beforeEach(async () => {
	base = await mkdtemp(join(tmpdir(), 'chancery-chart-values-'));
});
afterEach(() => rm(base, { recursive: true }));

async function valuesOf(text: string): Promise<string> {
	const file = join(base, 'answers.yaml');
	await writeFile(file, text);
	const answers = await readAnswers(file);
	const folder = join(base, 'instance');
	await initInstance({ folder, answers, nowMs: Date.UTC(2026, 10, 30), onStep: () => undefined });
	return chartValues(folder, answers);
}

it('values are the configuration of each role, without what the chart decides, and without a secret', async () => {
	const text = await valuesOf(EXAMPLES.kubernetes);
	const { config, ...others } = parse(text);
	expect(others).toEqual({
		fullnameOverride: 'chancery',
		databaseSecret: 'chancery-database',
		tls: { secretName: 'chancery-tls', trustedCaKey: 'ca.crt' },
		trust: { fingerprint: (await readFile(join(base, 'instance/trust/fingerprint.txt'), 'utf8')).trim() },
	});
	expect(Object.keys(config).sort()).toEqual(['allow', 'ca', 'ctlog', 'database', 'log', 'profile', 'tsa', 'tuf']);
	expect(text).not.toMatch(/\blisten:/);
	expect(config.ca.ctlog).toEqual({ publicKeyPem: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\n/) });
	expect(config.tsa.chainPem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
	expect(config.tuf.services[0].trustReportUrl).toBe('https://chancery-ca-admin.signing.svc:7422/admin/v1/trust');
	const hosts = join(base, 'instance/hosts');
	for (const host of await readdir(hosts))
		for (const name of await readdir(join(hosts, host, 'secrets')))
			expect(text).not.toContain((await readFile(join(hosts, host, 'secrets', name), 'utf8')).trim());
});

it.each([
	['one host', EXAMPLES['one-host'], /one workload per role; begin with 'chancery init --example kubernetes'/],
	['hosts of several roles', EXAMPLES['separate-hosts'], /answers: hosts.authorities: the chart has one workload/],
	[
		'addresses of two namespaces',
		EXAMPLES.kubernetes.replace('chancery-tsa-admin.signing', 'chancery-tsa-admin.other'),
		/of several releases: chancery in signing, chancery in other/,
	],
	[
		'a database that is not in a Secret',
		EXAMPLES.kubernetes.replace('{ file: /etc/chancery/database/url }', 'postgres://chancery@db/chancery'),
		/in a pod it lies at \{ file: \/etc\/chancery\/database\/url \}/,
	],
])('%s is refused', async (_what, text, words) => {
	await expect(valuesOf(text)).rejects.toThrow(words);
});
