/** go-tuf's and python-tuf's clients as strangers to the repository: every target, and nothing from a foreign root. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { programOf } from './opened-clients.ts';
import { openWorkplace } from './places.ts';
import { mustRun, type Ran, runClient } from './run-client.ts';
import { tlsSettings } from './tls-settings.ts';

const PYTHON_CLIENT = join(import.meta.dirname, 'python-tuf-client.py');

const workplace = await openWorkplace();
const { folder, home, foreign } = workplace;
afterAll(() => workplace.remove());

const mirror = home.instance.urls.tuf;
const targets = Object.entries(await targetsOf(mirror));

async function targetsOf(url: string): Promise<Record<string, { hashes: { sha256: string } }>> {
	const timestamp = (await (await fetch(`${url}/timestamp.json`)).json()) as Versions;
	const snapshotVersion = timestamp.signed.meta['snapshot.json']?.version;
	const snapshot = (await (await fetch(`${url}/${snapshotVersion}.snapshot.json`)).json()) as Versions;
	const version = snapshot.signed.meta['targets.json']?.version;
	const reply = (await (await fetch(`${url}/${version}.targets.json`)).json()) as {
		signed: { targets: Record<string, { hashes: { sha256: string } }> };
	};
	return reply.signed.targets;
}

interface Versions {
	readonly signed: { readonly meta: Readonly<Record<string, { readonly version: number }>> };
}

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

describe.runIf(programOf('go-tuf'))('go-tuf’s client', () => {
	const program = programOf('go-tuf') ?? '';
	const env = tlsSettings('go-tuf', home);
	const begin = async (root: string): Promise<string> => {
		const at = mkdtempSync(join(folder, 'go-tuf-'));
		// It takes the root's path for a name in its own folder.
		copyFileSync(root, join(at, 'root.json'));
		await mustRun(program, ['init', '--url', mirror, '--file', 'root.json'], at, env);
		return at;
	};
	const get = (how: typeof runClient, at: string, name: string): Promise<Ran> =>
		how(program, ['get', '--url', mirror, '--turl', `${mirror}/targets`, name], at, env);

	it('downloads every target', async () => {
		const at = await begin(home.instance.root.path);
		for (const [name, { hashes }] of targets) {
			const { said } = await get(mustRun, at, name);
			const path = /Successfully downloaded target \S+ at - (\S+)/.exec(said)?.[1] ?? '';
			expect(digest(path), name).toBe(hashes.sha256);
		}
	});

	it('refuses the repository when it trusts the root of another instance', async () => {
		const ran = await get(runClient, await begin(foreign.instance.root.path), 'trusted_root.json');
		expect(ran.code).not.toBe(0);
		expect(ran.said).toMatch(/verify|threshold/i);
	});
});

describe.runIf(programOf('python-tuf'))('python-tuf’s client', () => {
	const program = programOf('python-tuf') ?? '';
	const names = targets.map(([name]) => name);
	const download = (how: typeof runClient, root: string) => {
		const at = join(mkdtempSync(join(folder, 'python-tuf-')), 'state');
		mkdirSync(at);
		return how(program, [PYTHON_CLIENT, mirror, root, at, ...names], at, tlsSettings('python-tuf', home));
	};

	it('downloads every target', async () => {
		const { stdout } = await download(mustRun, home.instance.root.path);
		const paths = stdout.trim().split('\n');
		expect(paths.map(digest)).toEqual(targets.map(([, { hashes }]) => hashes.sha256));
	});

	it('refuses the repository when it trusts the root of another instance', async () => {
		const ran = await download(runClient, foreign.instance.root.path);
		expect(ran.code).not.toBe(0);
		expect(ran.said).toMatch(/was signed by 0\/\d+ keys/);
	});
});

it('there is something to download', () => {
	expect(targets.length).toBeGreaterThan(2);
});
