/**
 * The valid things that mangling starts from, by the names under which `collect-seeds.ts` (what an instance said) and
 * `collect-operator-seeds.ts` (what operators have in files) kept them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64, utf8 } from '@chancery/core/bytes';

type StoredSeeds = Readonly<Record<string, { readonly text: string } | { readonly base64: string }>>;

const read = (file: string): StoredSeeds => JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));

const stored: StoredSeeds = { ...read('seeds.json'), ...read('operator-seeds.json') };

export const SEED_NAMES: readonly string[] = Object.keys(stored);

export function seed(name: string): Uint8Array {
	const found = stored[name];
	if (!found) throw new Error(`there is no seed ${name}`);
	return 'text' in found ? utf8(found.text) : fromBase64(found.base64);
}

export function seedText(name: string): string {
	return new TextDecoder().decode(seed(name));
}

export function seedJson<T>(name: string): T {
	return JSON.parse(seedText(name)) as T;
}

/** All seeds whose name matches. */
export function seedsLike(pattern: RegExp): Uint8Array[] {
	const names = SEED_NAMES.filter((name) => pattern.test(name));
	if (names.length === 0) throw new Error(`no seed is like ${pattern}`);
	return names.map(seed);
}
