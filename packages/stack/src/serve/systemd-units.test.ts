/** The units of deploy/systemd give each service what `chancery init` made for it on one host, and nothing of the others. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processSection } from '@chancery/chassis/config/process-config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EXAMPLES } from '../bootstrap/init/example-answers.ts';
import { SERVICES } from '../services.ts';

const CHECKOUT = fileURLToPath(new URL('../../../..', import.meta.url));
const UNITS = join(CHECKOUT, 'deploy/systemd/system');
/** The provider of identity is for development. */
const NAMES = SERVICES.map(({ definition }) => definition.name).filter((name) => name !== 'identity');

let folder: string;
let sections: Readonly<Record<string, unknown>>;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-units-'));
	await writeFile(join(folder, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 });
	await writeFile(join(folder, 'answers.yaml'), `${EXAMPLES['one-host']}offline: { passphraseFile: passphrase }\n`);
	const order = ['init', '--answers', join(folder, 'answers.yaml'), '--out', join(folder, 'instance')];
	await promisify(execFile)(join(CHECKOUT, 'packages/cli/bin/chancery'), order);
	sections = parse(await readFile(join(folder, 'instance/chancery.yaml'), 'utf8')) as typeof sections;
});
afterAll(() => rm(folder, { recursive: true }));

const valuesOf = async (file: string, setting: string) =>
	(await readFile(join(UNITS, file), 'utf8'))
		.split('\n')
		.flatMap((line) => (line.startsWith(`${setting}=`) ? [line.slice(setting.length + 1)] : []));

/** Every path in a section, `{ file }` or `file:` or by a name that ends in it. */
function pathsIn(value: unknown, name = ''): string[] {
	if (typeof value === 'string') {
		if (value.startsWith('file:')) return [value.slice('file:'.length)];
		return name === 'file' || name.endsWith('File') ? [value] : [];
	}
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, name.endsWith('Files') ? 'file' : key));
}

describe.each(NAMES)('chancery@%s.service', (name) => {
	it('loads the files of its section, and writes where its marks are', async () => {
		const paths = [...new Set(pathsIn(sections[name]))];
		const own = paths.filter((path) => !path.startsWith('/'));
		expect(own.length).toBeGreaterThan(1);
		const loaded = await valuesOf(`chancery@${name}.service.d/10-own.conf`, 'LoadCredential');
		expect(loaded.sort()).toEqual(own.map((path) => `${path.replaceAll('/', '_')}:/etc/chancery/${path}`).sort());
		const marks = paths.filter((path) => path.startsWith('/var/lib/chancery/marks/'));
		expect(paths.length).toBe(own.length + marks.length);
		expect(await valuesOf(`chancery@${name}.service.d/10-own.conf`, 'ReadWritePaths')).toEqual(
			marks.length > 0 ? ['/var/lib/chancery/marks'] : [],
		);
	});
});

it('the target starts all of them, and there are no others', async () => {
	const wanted = (await valuesOf('chancery.target', 'Wants'))[0]?.split(' ');
	expect(wanted).toEqual(NAMES.map((name) => `chancery@${name}.service`));
	const folders = (await readdir(UNITS)).filter((name) => /^chancery@.+\.service\.d$/.test(name));
	expect(folders.sort()).toEqual(NAMES.map((name) => `chancery@${name}.service.d`).sort());
});

it('a stop may take as long as the longest drain, and the five seconds after it', async () => {
	const [given = ''] = await valuesOf('chancery@.service', 'TimeoutStopSec');
	const drains = (drainSeconds: number) => processSection.safeParse({ drainSeconds }).success;
	expect(drains(1)).toBe(true);
	expect(drains(Number(given) - 5)).toBe(false);
});
