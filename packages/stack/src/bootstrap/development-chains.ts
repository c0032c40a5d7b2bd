/**
 * The certificate chains of a development instance: made once from its keys, marked as development in their names.
 *
 * A chain is one file, written whole after both certificates were signed; a crash before that leaves keys without a
 * chain, and the next start makes it.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCaChain } from '@chancery/ca/domain/ca-chain';
import { encodePem } from '@chancery/core/pem';
import { writeDurably } from '@chancery/postgres/file-modes';
import { createTsaChain } from '@chancery/tsa/domain/tsa-chain';
import type { DevelopmentKeys } from './development-keys.ts';

export interface DevelopmentChains {
	/** PEM: issuing certificate, root. */
	readonly ca: string;
	/** PEM: timestamp authority, root. */
	readonly tsa: string;
}

const ORGANIZATION = 'Chancery development';

/** Opens the chains in `folder`, making those that are not there yet. They begin at `notBefore`. */
export async function openDevelopmentChains(
	folder: string,
	{ signers }: DevelopmentKeys,
	notBefore: Date,
): Promise<DevelopmentChains> {
	const about = { organization: ORGANIZATION, notBefore, random: randomBytes };
	const ca = await openOrMake(join(folder, 'ca-chain.pem'), async () => {
		const { root, issuing } = await createCaChain({
			...about,
			rootSigner: signers['ca-root'],
			issuingSigner: signers['ca-issuing'],
			commonName: 'Chancery development CA',
		});
		return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root);
	});
	const tsa = await openOrMake(join(folder, 'tsa-chain.pem'), async () => {
		const { chainPem } = await createTsaChain({
			...about,
			rootSigner: signers['tsa-root'],
			leafSigner: signers.tsa,
			commonName: 'Chancery development TSA',
		});
		return chainPem;
	});
	return { ca, tsa };
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
