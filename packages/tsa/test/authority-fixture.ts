/** An authority in memory, and openssl to check what it issues. */
import { randomBytes } from 'node:crypto';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
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

type OpensslFiles = Readonly<Record<string, Uint8Array | string>>;

/** Runs openssl in a folder of its own that holds the given files; returns stdout, throws on a bad exit. */
export function openssl(args: readonly string[], files: OpensslFiles = {}): string {
	using folder = new OpensslFolder(files);
	return folder.run(...args);
}

/** Like `openssl`, and returns the bytes of stdout. */
export function opensslOutput(args: readonly string[], files: OpensslFiles): Uint8Array {
	using folder = new OpensslFolder(files);
	return new Uint8Array(folder.runForBytes(...args));
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
