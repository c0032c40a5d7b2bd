/** What every container of our Compose files has to have, so that none can fill a host or lose what it was doing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Container {
	readonly image: string;
	readonly build?: object;
	readonly pull_policy?: string;
	readonly restart?: string;
	readonly profiles?: readonly string[];
	readonly logging?: { readonly options: Readonly<Record<string, string>> };
	readonly mem_limit?: string;
	readonly pids_limit?: number;
	readonly stop_grace_period?: string;
	readonly security_opt?: readonly string[];
	readonly read_only?: boolean;
	readonly healthcheck?: object;
	readonly ports?: readonly string[];
}

const CHECKOUT = join(import.meta.dirname, '..');
/** Jobs that end by themselves, and what only holds the network. */
const WITHOUT_PROBE = ['init', 'migrate', 'logs', 'trust', 'self-test', 'network'];
/** PostgreSQL's own image starts as root, and is reached by a socket alone. */
const WITH_OWN_RIGHTS = ['database'];
/** The longest that `process.drainSeconds` may be, and the end after it: docs/operate/probes.md. */
const LONGEST_END_SECONDS = 60 + 5;

const read = (path: string) => {
	const { services } = parse(readFileSync(join(CHECKOUT, path), 'utf8'), { merge: true }) as {
		services: Readonly<Record<string, Container>>;
	};
	return Object.entries(services);
};
const development = read('docker-compose.yml');
const production = read('deploy/compose/production.yml');
const seconds = (text = '0s') => Number(/^(\d+)s$/.exec(text)?.[1]);

describe.each([
	...development.map((it) => ['docker-compose.yml', ...it] as const),
	...production.map((it) => ['production.yml', ...it] as const),
])('%s: %s', (file, name, container) => {
	it('bounds its log, its memory and its processes', () => {
		expect(container.logging?.options).toEqual({
			'max-size': expect.stringMatching(/^\d+m$/),
			'max-file': expect.stringMatching(/^\d+$/),
		});
		expect(container.mem_limit).toMatch(/^(\d+[mg]|\$\{MEMORY:-\d+g\})$/);
		expect(container.pids_limit).toBeGreaterThan(0);
	});

	it('says whether it is started again, and gains no rights', () => {
		const isJob = container.restart === 'no' || container.profiles?.includes('commands');
		if (!isJob) expect(container.restart).toBe('unless-stopped');
		if (WITH_OWN_RIGHTS.includes(name)) return;
		expect(container.security_opt).toEqual(['no-new-privileges:true']);
		expect(container.read_only).toBe(true);
	});

	it('is looked at, where it goes on', () => {
		if (file === 'production.yml' || WITHOUT_PROBE.includes(name)) return;
		expect(container.healthcheck).toBeDefined();
	});
});

it('opens ports on loopback alone', () => {
	const ports = [...development, ...production].flatMap(([, { ports = [] }]) => ports);
	expect(ports).not.toHaveLength(0);
	expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

it('builds each image once, and pulls none of that name', () => {
	const ours = development.filter(([, { image }]) => image.startsWith('chancery:'));
	expect(ours.flatMap(([name, { build }]) => (build ? [name] : []))).toEqual(['network', 'small']);
	expect(ours.filter(([, it]) => it.pull_policy !== 'never')).toEqual([]);
});

it('waits longer for the end of a service than the service takes', () => {
	const services = development.filter(([, it]) => it.image.startsWith('chancery:') && it.healthcheck !== undefined);
	expect(services).toHaveLength(7);
	// Without a drain, which nothing of development asks for.
	for (const [name, it] of services) expect(seconds(it.stop_grace_period), name).toBeGreaterThan(5);
	const [, served] = production.find(([name]) => name === 'chancery') ?? [];
	expect(seconds(served?.stop_grace_period)).toBeGreaterThan(LONGEST_END_SECONDS);
});
