/** The list of the services is the only place, beside each service's definition, where a new one is added. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSigner } from '@chancery/keys/file/generate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PORT_OFFSETS } from './port-offsets.ts';
import { type InstanceService, LOGS, logsNamed, RUNNING_SERVICES, SERVICES, STORING_SERVICES } from './services.ts';

const SOURCES = import.meta.dirname;
const packageOf = (name: string) => fileURLToPath(new URL('../', import.meta.resolve(`@chancery/${name}/definition`)));

/** What a development instance says in the section of a service. Its secrets are in the variable `TOKEN`. */
function sectionOf(entry: InstanceService) {
	return entry.development({
		hostName: 'localhost',
		isBeyondLoopback: false,
		url: (address) => `http://localhost:${7400 + PORT_OFFSETS[address]}`,
		treeId: '7',
		keys: {
			// Any key will do for a section, which only says what it is.
			of: ({ keys }) => new Proxy(keys, { get: () => generateSigner('ecdsa-sha2-256-nistp256') }) as never,
		},
		chains: { ca: 'PEM', tsa: 'PEM' },
		markFile: (service, mark) => `/marks/${service}-${mark}`,
		secrets: { signingJwks: { env: 'TOKEN' }, developmentToken: { env: 'TOKEN' }, service: { env: 'TOKEN' } },
		trustReportUrls: ['http://localhost:1/admin/v1/trust'],
	});
}

describe.each(SERVICES.map((service) => [service.definition.name, service] as const))(
	'the service %s',
	(name, entry) => {
		const { definition, logs } = entry;

		it('has a main.ts that runs its definition, and a README that describes its section', () => {
			const main = readFileSync(join(packageOf(name), 'src/main.ts'), 'utf8');
			expect(main.split('\n').filter((line) => line !== '' && !/^(import |\/\*\*)/.test(line))).toEqual([
				`await run(${name});`,
			]);
			expect(readFileSync(join(packageOf(name), 'README.md'), 'utf8')).toContain('## Configuration');
		});

		it('has a port for each of its listeners that is its alone', () => {
			const addresses = Object.values(definition.listeners);
			expect(addresses.length).toBeGreaterThan(0);
			for (const address of addresses) {
				expect(PORT_OFFSETS).toHaveProperty(address);
				expect(RUNNING_SERVICES.filter((other) => other === address)).toHaveLength(1);
			}
		});

		it('has a section in a development instance that its schema accepts', () => {
			const config = definition.config({ TOKEN: 'x' });
			const section = sectionOf(entry);
			expect(config.safeParse(section).error?.issues).toBeUndefined();
			expect(config.safeParse({ ...section, unheardOf: 1 }).success).toBe(false);
			expect(() => definition.openMarks(config.parse(section))).not.toThrow();
		});

		it('says what each key is for', () => {
			for (const { purpose } of Object.values(definition.keys)) expect(purpose.length).toBeGreaterThan(20);
		});

		it('has migrations below its package where it stores something', () => {
			const own = definition.migrations?.filter(({ component }) => component === name) ?? [];
			const isOnlyLogs = definition.migrations !== undefined && own.length === 0;
			expect(isOnlyLogs).toBe(isOnlyLogs && logs !== undefined);
			for (const { schema, directory } of own) {
				expect([schema, fileURLToPath(directory)]).toEqual([name, join(packageOf(name), 'migrations/')]);
				expect(readdirSync(directory)).not.toEqual([]);
			}
			expect(existsSync(join(packageOf(name), 'migrations'))).toBe(own.length > 0);
		});

		it('keeps its logs under its own keys and marks, and can create them', () => {
			expect('createLogs' in definition).toBe(logs !== undefined);
			const marks = definition.openMarks(definition.config({ TOKEN: 'x' }).parse(sectionOf(entry)));
			for (const { schema, key, mark, checks } of Object.values(logs ?? {})) {
				expect(schema).toBe(name);
				expect(definition.keys).toHaveProperty(key);
				expect(Object.keys(marks)).toContain(mark);
				expect(checks.length).toBeGreaterThan(0);
			}
		});
	},
);

describe('a secret that a section takes from a variable', () => {
	afterEach(() => vi.unstubAllEnvs());

	type Reference = { readonly env: string };
	const bucket = (key: Reference) => ({
		kind: 's3',
		endpoint: 'https://s3.example',
		bucket: 'tiles',
		accessKeyId: key,
		secretAccessKey: key,
	});

	it.each<[service: string, field: string, set: (secret: Reference, section: Record<string, unknown>) => object]>([
		['identity', 'signingJwks', (secret) => ({ signingJwks: secret })],
		['log', 'markDatabase', (secret) => ({ markDatabase: secret })],
		['log', 'v1.export', (secret, { v1 }) => ({ v1: { ...(v1 as object), export: bucket(secret) } })],
		['log', 'v2.export', (secret, { v2 }) => ({ v2: { ...(v2 as object), export: bucket(secret) } })],
		['ctlog', 'markDatabase', (secret) => ({ markDatabase: secret })],
		['ctlog', 'export', (secret) => ({ export: bucket(secret) })],
		['tsa', 'markDatabase', (secret) => ({ markDatabase: secret })],
		['tuf', 'markDatabase', (secret) => ({ markDatabase: secret })],
	])('%s.%s is looked up where the definition is told to, not in this process', (service, _field, set) => {
		vi.stubEnv('OF_THIS_PROCESS', 'postgres://elsewhere');
		const entry = SERVICES.find(({ definition }) => definition.name === service)!;
		const schema = entry.definition.config({ TOKEN: 'x', GIVEN: 'postgres://marks' });
		const section = sectionOf(entry);
		const parse = (env: string) => schema.safeParse({ ...section, ...set({ env }, section) });
		expect(parse('GIVEN').error?.issues).toBeUndefined();
		expect(parse('OF_THIS_PROCESS').error?.message).toContain('OF_THIS_PROCESS is not set');
	});
});

describe('the list', () => {
	it('is in the order that people and scripts know', () => {
		expect(RUNNING_SERVICES).toEqual(['identity', 'ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf']);
		expect(STORING_SERVICES.map(({ name }) => name)).toEqual(['identity', 'ca', 'log', 'ctlog', 'tuf']);
		expect(LOGS.map(({ name }) => name)).toEqual(['v1', 'v2', 'ctlog']);
		expect(() => logsNamed(['v3'])).toThrow(/no log 'v3'; there are v1, v2, ctlog/);
	});

	it('is the only file of this package that knows every service, beside their ports', () => {
		const names = SERVICES.map(({ definition }) => definition.name);
		const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
			/(?<!\.test)\.ts$/.test(file),
		);
		const knowing = files.filter((file) => {
			const text = readFileSync(join(SOURCES, file), 'utf8');
			return names.every((name) => new RegExp(`@chancery/${name}/|['"\`]${name}['"\`]|\\b${name}:`).test(text));
		});
		// The examples are files for operators, which say where each service runs; the answers refuse one that is left out.
		const examples = join('bootstrap', 'init', 'example-answers.ts');
		expect(knowing.filter((file) => file !== examples)).toEqual(['port-offsets.ts', 'services.ts']);
	});
});
