import { readFileSync } from 'node:fs';

/** The version of this checkout, from the only place that states it: package.json at its root. */
export function chanceryVersion(): string {
	const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
	return (JSON.parse(manifest) as { version: string }).version;
}
