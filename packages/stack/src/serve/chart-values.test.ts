/** The Helm chart without Helm: its values, their schema, and the examples in the eyes of our own configuration. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, parseSection } from '@chancery/chassis/config/config';
import { keysSection } from '@chancery/chassis/config/process-config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { SERVICES } from '../services.ts';

const CHECKOUT = fileURLToPath(new URL('../../../..', import.meta.url));
const CHART = join(CHECKOUT, 'deploy/helm/chancery');
const MAX_VALUES = 80;
/** Sections of the file that belong to no service. */
const INSTANCE_SECTIONS = ['profile', 'allow', 'logging', 'process', 'database'];
const NAMES = SERVICES.map(({ definition }) => definition.name);

type Mapping = Record<string, unknown>;
interface Schema {
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly additionalProperties?: unknown;
	readonly items?: Schema;
}

const isMapping = (value: unknown): value is Mapping =>
	typeof value === 'object' && value !== null && !Array.isArray(value);
const read = (file: string) => readFile(join(CHART, file), 'utf8');
const values = parse(await read('values.yaml')) as Mapping;
const schema = JSON.parse(await read('values.schema.json')) as Schema;
const examples = (await readdir(join(CHART, 'ci'))).map((file) => file.replace('-values.yaml', ''));

/** What an operator can set, by path; a list or an empty mapping is one value. */
function leaves(value: unknown, path = ''): string[] {
	if (!isMapping(value) || Object.keys(value).length === 0) return [path];
	return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}

it(`there are fewer than ${MAX_VALUES} values`, () => {
	expect(leaves(values).length).toBeLessThan(MAX_VALUES);
});

it('the documentation of the chart names their number', async () => {
	expect(await read('README.md')).toContain(`${leaves(values).length} values`);
});

it('the schema knows every value, each of its properties has a default, and what it does not know it refuses', () => {
	const problems: string[] = [];
	const compare = (part: Schema, value: unknown, path: string) => {
		if (!part.properties) return;
		if (part.additionalProperties !== false) problems.push(`${path} takes any key`);
		if (!isMapping(value)) return;
		// What is empty by default is filled by the operator alone.
		if (Object.keys(value).length === 0) return;
		for (const key of Object.keys(value)) if (!part.properties[key]) problems.push(`${path}.${key} has no schema`);
		for (const [key, inner] of Object.entries(part.properties)) {
			if (!(key in value)) problems.push(`${path}.${key} has no default`);
			else compare(inner, value[key], `${path}.${key}`);
		}
	};
	const { global: _, ...ours } = schema.properties ?? {};
	compare({ ...schema, properties: ours }, values, 'values');
	expect(problems).toEqual([]);
});

it('the configuration has a section for every service, and so have the roles', () => {
	const { config, roles } = schema.properties ?? {};
	expect(Object.keys(config?.properties ?? {}).sort()).toEqual([...INSTANCE_SECTIONS, ...NAMES].sort());
	expect(Object.keys(roles?.properties ?? {}).sort()).toEqual([...NAMES].sort());
});

it('the chart is of this version', async () => {
	const { version } = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string };
	expect(parse(await read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
});

describe.each(examples)('the example %s', (example) => {
	let folder: string;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), 'chancery-chart-'));
	});
	afterAll(() => rm(folder, { recursive: true, force: true }));

	it('has a configuration that every service takes', async () => {
		const { config } = parse(await read(`ci/${example}-values.yaml`), { merge: true }) as { config: Mapping };
		addWhatTheChartAdds(config);
		for (const file of filesIn(config)) {
			await mkdir(dirname(join(folder, file)), { recursive: true });
			await writeFile(join(folder, file), file.endsWith('url') ? 'postgres://db.example.com/x' : 'content');
		}
		const path = join(folder, 'chancery.yaml');
		await writeFile(path, stringify(config));
		const { sections } = await loadConfig(path, {});
		for (const { definition } of SERVICES) {
			const { keys, ...own } = sections[definition.name] ?? {};
			if (!(definition.name in config)) continue;
			expect(() => parseSection(definition.name, definition.config({}), own)).not.toThrow();
			const opened = parseSection(`${definition.name}.keys`, keysSection({}), keys);
			expect(Object.keys(opened).sort()).toEqual(Object.keys(definition.keys).sort());
		}
	});
});

/** `templates/_roles.tpl` does; a listener's place is not part of the section that a service parses. */
function addWhatTheChartAdds(config: Mapping): void {
	const { ca, tuf } = config as Record<string, Mapping>;
	if (ca) ca.ctlog = { url: 'http://chancery-ctlog.signing.svc', ...(ca.ctlog as Mapping) };
	if (tuf) tuf.services ??= [];
}

/** Every `{ file: PATH }`. */
function filesIn(value: unknown): string[] {
	if (Array.isArray(value)) return value.flatMap(filesIn);
	if (!isMapping(value)) return [];
	return Object.entries(value).flatMap(([key, inner]) =>
		key === 'file' && typeof inner === 'string' ? [inner] : filesIn(inner),
	);
}
