/** An authority in memory, and openssl to check what it issues. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import type { IssuingTime } from '../src/domain/issuing-time.ts';
import { createTsaChain, type TsaChain } from '../src/tsa-chain.ts';

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export interface TestAuthority {
	readonly signer: Signer;
	readonly chain: TsaChain;
}

/** A chain that is valid now, unless `options` say otherwise. */
export async function makeAuthority(
	options: { algorithm?: KeyAlgorithm; signer?: Signer; intermediate?: boolean; notBefore?: Date } = {},
): Promise<TestAuthority> {
	const signer = options.signer ?? generateSigner(options.algorithm ?? 'ecdsa-sha2-256-nistp256');
	const chain = await createTsaChain({
		rootSigner: generateSigner('ecdsa-sha2-384-nistp384'),
		leafSigner: signer,
		...(options.intermediate ? { intermediate: generateSigner('ecdsa-sha2-256-nistp256') } : {}),
		organization: 'Chancery Test',
		commonName: 'Test Timestamp Authority',
		notBefore: options.notBefore ?? new Date(Date.now() - 60_000),
		random,
	});
	return { signer, chain };
}

/** The seconds of a clock without a reserve, for tests that are not about time. */
export function plainTime(clock: () => number): IssuingTime {
	return { next: () => Math.floor(clock() / 1000) * 1000, secondsBehind: () => 0, problem: undefined };
}

/** Runs openssl in a new folder with the given files; returns stdout and stderr, throws on a bad exit code. */
export function openssl(args: readonly string[], files: Readonly<Record<string, Uint8Array | string>> = {}): string {
	const folder = mkdtempSync(join(tmpdir(), 'chancery-tsa-'));
	try {
		for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
		return execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** As `openssl`, and returns a file that it wrote. */
export function opensslOutput(
	args: readonly string[],
	files: Readonly<Record<string, Uint8Array | string>>,
): Uint8Array {
	const folder = mkdtempSync(join(tmpdir(), 'chancery-tsa-'));
	try {
		for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
		return new Uint8Array(execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }));
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** What `openssl ts -verify` must know about the authority. */
export function trustFiles(chain: TsaChain): { 'root.pem': string; 'untrusted.pem': string } {
	return {
		'root.pem': encodePem('CERTIFICATE', chain.root),
		'untrusted.pem': chain.chain
			.slice(0, -1)
			.map((der) => encodePem('CERTIFICATE', der))
			.join(''),
	};
}
