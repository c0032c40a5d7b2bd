/**
 * The installation that a page describes. It must install exactly the packages that test:clients installs. It is not repeated: the
 * result is copied to where the reader would have it: `~/go/bin`, a Python environment in the home, `node_modules`.
 */
import { readFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CLIENT_NAMES, CLIENTS, type ClientName, nameInRegistry } from '@chancery/testkit/peers/peer-table';
import type { Reader } from './run-page.ts';

const PACKAGE = join(import.meta.dirname, '../..');

export type Install =
	| { readonly client: ClientName; readonly kind: 'go' }
	| { readonly client: ClientName; readonly kind: 'npm' }
	| { readonly client: ClientName; readonly kind: 'pip'; readonly folder: string }
	/** A package that a client is used with; its version is from the lockfile, like the client's. */
	| { readonly package: string; readonly kind: 'with' };

/** @throws {Error} when a line installs anything but a pinned client in one of the three ways */
export function readInstall(code: string): Install[] {
	const installs: Install[] = [];
	let folder: string | undefined;
	for (const line of code.trim().split('\n')) {
		const [, environment] = /^python3 -m venv ~\/([\w-]+)$/.exec(line) ?? [];
		const [, from = '', packages = ''] = /^(go|npm|~\/[\w-]+\/bin\/pip) install (\S.*)$/.exec(line) ?? [];
		if (environment !== undefined) folder = environment;
		else if (from === 'go') installs.push({ client: clientOf('go', packages), kind: 'go' });
		else if (from === 'npm') for (const name of packages.split(' ')) installs.push(fromNpm(name));
		else if (folder !== undefined && from === `~/${folder}/bin/pip`)
			installs.push({ client: clientOf('pip', packages), kind: 'pip', folder });
		else throw new Error(`an installation of another form than is known here: ${line}`);
	}
	return installs;
}

function clientOf(from: 'go' | 'pip' | 'npm', name: string): ClientName {
	const isMeant = (client: ClientName) => {
		const source = CLIENTS[client];
		return source.from === from && nameInRegistry(source) === name;
	};
	const client = CLIENT_NAMES.find(isMeant);
	if (client === undefined) throw new Error(`'${name}' is not what peer-table.ts names`);
	return client;
}

function fromNpm(name: string): Install {
	const [, pinned = '', version] = /^(.+)@([^@]+)$/.exec(name) ?? [];
	const isClient = CLIENT_NAMES.some((client) => CLIENTS[client].package === pinned);
	if (isClient) return { client: clientOf('npm', name), kind: 'npm' };
	const { devDependencies } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
	if (version === undefined || devDependencies[pinned] !== version)
		throw new Error(`'${name}' is not what package.json names`);
	return { package: pinned, kind: 'with' };
}

/** Copies what was installed to where the reader would have it. */
export async function install(
	it: Install,
	pathOf: (client: ClientName) => string | undefined,
	reader: Reader,
): Promise<void> {
	if (it.kind === 'with') return link(join(PACKAGE, 'node_modules', it.package), packagePlace(reader, it.package));
	const path = pathOf(it.client);
	if (path === undefined) throw new Error(`${it.client} could not be had`);
	if (it.kind === 'pip') return link(dirname(dirname(path)), join(reader.home, it.folder));
	if (it.kind === 'go') return link(path, join(reader.home, 'go/bin', basename(path)));
	return link(path, packagePlace(reader, CLIENTS[it.client].package));
}

const packagePlace = ({ folder }: Reader, name: string): string => join(folder, 'node_modules', name);

async function link(target: string, path: string): Promise<void> {
	await mkdir(dirname(path), { recursive: true });
	await symlink(target, path);
}
