/** deploy/monitoring and what the services of a running instance show, judged by Prometheus's own tool. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSubject } from '../inputs/subject.ts';
import { promtool } from './promtool.ts';

const FOLDER = join(import.meta.dirname, '../../../../deploy/monitoring');
const SERVICES = ['ca', 'log', 'ctlog', 'tsa', 'tuf', 'identity'];

it('reads the rules and finds no mistake', () => {
	const { status, output } = promtool(['check', 'rules', 'alerts.yml'], { cwd: FOLDER });
	expect(output).toMatch(/SUCCESS: \d+ rules found/);
	expect(status).toBe(0);
});

it('reads the example of a scrape configuration', () => {
	const { status, output } = promtool(['check', 'config', '--syntax-only', 'prometheus.yml'], { cwd: FOLDER });
	expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

describe('the unit tests of the alerts', () => {
	let copy: string;
	beforeAll(() => {
		copy = mkdtempSync(join(tmpdir(), 'chancery-alerts-'));
		copyFileSync(join(FOLDER, 'alerts.test.yml'), join(copy, 'alerts.test.yml'));
	});
	afterAll(() => rmSync(copy, { recursive: true, force: true }));

	it('pass', () => {
		const { status, output } = promtool(['test', 'rules', 'alerts.test.yml'], { cwd: FOLDER });
		expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
	});

	// Two runs of promtool for every alert, which take long beside other programs.
	it('fail when an alert never fires, and when it always does', { timeout: 300_000 }, () => {
		const rules = readFileSync(join(FOLDER, 'alerts.yml'), 'utf8');
		const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
		expect(alerts.length).toBeGreaterThan(20);
		for (const [expression, kind] of [
			['vector(1) < 0', 'fires'],
			['vector(1)', 'does not fire'],
		] as const) {
			const mutated = rules.replace(/^( +)expr: (?:\|-\n(?:\1 +.*\n)+|.*\n)/gm, `$1expr: '${expression}'\n`);
			writeFileSync(join(copy, 'alerts.yml'), mutated);
			const { status, output } = promtool(['test', 'rules', 'alerts.test.yml'], { cwd: copy });
			expect(status).not.toBe(0);
			expect(alerts.filter((alert) => !output.includes(`name: ${alert} ${kind},`))).toEqual([]);
		}
	});
});

describe('what a running service shows', () => {
	const subject = openSubject('instance');

	it.each(SERVICES)('is as Prometheus wants it: %s', async (service) => {
		const reply = await fetch(`${subject.listeners[`${service} admin`]}/metrics`, {
			headers: { authorization: `Bearer ${subject.secrets.service}` },
		});
		expect(reply.status).toBe(200);
		expect(promtool(['check', 'metrics'], { input: await reply.text() })).toEqual({ status: 0, output: '' });
	});

	it('is refused when it is not', () => {
		expect(promtool(['check', 'metrics'], { input: 'requests_ms{ 1\n' }).status).not.toBe(0);
	});
});
