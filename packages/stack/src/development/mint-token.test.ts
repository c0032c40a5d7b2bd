/** What it costs to ask for a token: scripts do it once per signature, so it must not load what it only calls. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { SERVICES } from '../services.ts';

const LIST_LOADED = `
	const loaded = [];
	require('node:module').registerHooks({
		load(url, context, next) {
			loaded.push(url);
			return next(url, context);
		},
	});
	import('${import.meta.dirname}/mint-token.ts').then(() => console.log(JSON.stringify(loaded)));`;

it('minting a token loads no service', async () => {
	const { stdout } = await promisify(execFile)(process.execPath, ['-e', LIST_LOADED]);
	const loaded: string[] = JSON.parse(stdout);
	const packages = new Set(loaded.map((url) => /\/packages\/([a-z]+)\//.exec(url)?.[1]));
	expect(packages).toContain('net');
	expect(SERVICES.map(({ definition }) => definition.name).filter((name) => packages.has(name))).toEqual([]);
});
