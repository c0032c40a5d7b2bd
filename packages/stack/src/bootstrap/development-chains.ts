/**
 * The certificate chains of a development instance: made from its keys, marked as development in their names.
 *
 * A chain is one file, written whole after both certificates were signed; a crash before that leaves keys without a
 * chain, and the next start makes it. Chains that have ended lie beside it (renew-chains.ts).
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CaChainRequest, createCaChain } from '@chancery/ca/ca-chain';
import { ca } from '@chancery/ca/definition';
import { encodePem } from '@chancery/core/pem';
import { writeDurably } from '@chancery/postgres/file-modes';
import { tsa } from '@chancery/tsa/definition';
import { createTsaChain } from '@chancery/tsa/tsa-chain';
import type { DevelopmentKeys } from './development-keys.ts';

export interface DevelopmentChains {
	/** PEM: issuing certificate, root. */
	readonly ca: string;
	/** PEM: timestamp authority, root. */
	readonly tsa: string;
	/** PEM of the chains before them, whose signatures still have to verify. */
	readonly past: string;
}

export type ChainName = 'ca' | 'tsa';

/** In the folder of the keys. */
export const CHAIN_FILES: Readonly<Record<ChainName, string>> = { ca: 'ca-chain.pem', tsa: 'tsa-chain.pem' };
const PAST_CHAIN = /^(ca|tsa)-chain-past-[0-9a-f]{16}\.pem$/;

const ORGANIZATION = 'Chancery development';

/** Opens the chains in `folder`, making those that are not there yet. They begin at `notBefore`. */
export async function openDevelopmentChains(
	folder: string,
	keys: DevelopmentKeys,
	notBefore: Date,
): Promise<DevelopmentChains> {
	const caPem = await openOrMake(join(folder, CHAIN_FILES.ca), async () => {
		const { root, issuing } = await createCaChain(namedForCa(keys, notBefore));
		return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root);
	});
	const tsaPem = await openOrMake(join(folder, CHAIN_FILES.tsa), () => makeTsaChain(keys, notBefore));
	const names = (await readdir(folder)).filter((name) => PAST_CHAIN.test(name));
	const past = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
	// One that was put back, or that a crash left twice, is named once.
	return { ca: caPem, tsa: tsaPem, past: past.filter((pem) => pem !== caPem && pem !== tsaPem).join('') };
}

/** Whether a file of this name holds a former chain of the authority. */
export function isPastChain(file: string, name: ChainName): boolean {
	return PAST_CHAIN.exec(file)?.[1] === name;
}

/** What the certificates of the CA say, beginning at `notBefore`. */
export function namedForCa(keys: DevelopmentKeys, notBefore: Date): CaChainRequest {
	return {
		organization: ORGANIZATION,
		commonName: 'Chancery development CA',
		rootSigner: keys.holders['ca-root'],
		issuingSigner: keys.of(ca).issuing,
		notBefore,
		random: randomBytes,
	};
}

/** PEM of a new chain of the timestamp authority. */
export async function makeTsaChain(keys: DevelopmentKeys, notBefore: Date): Promise<string> {
	const { chainPem } = await createTsaChain({
		organization: ORGANIZATION,
		commonName: 'Chancery development TSA',
		rootSigner: keys.holders['tsa-root'],
		leafSigner: keys.of(tsa).signer,
		notBefore,
		random: randomBytes,
	});
	return chainPem;
}

async function openOrMake(path: string, make: () => Promise<string>): Promise<string> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
	const pem = await make();
	await writeDurably(path, pem, 0o644);
	return pem;
}
