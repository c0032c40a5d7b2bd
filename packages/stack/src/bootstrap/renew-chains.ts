/**
 * New chains for a development instance whose old ones have ended, or soon will: under the same keys, from now on. What
 * the old ones vouched for stays verifiable: they are kept beside the new ones, and stay in the trusted root.
 */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCaChain, createIssuingCertificate } from '@chancery/ca/domain/ca-chain';
import { encodePem, parsePem } from '@chancery/core/pem';
import { writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../up/refusal.ts';
import { CHAIN_FILES, type ChainName, makeTsaChain, namedForCa } from './development-chains.ts';
import type { DevelopmentKeys } from './development-keys.ts';

const DAY_MS = 86_400_000;
/** A chain is replaced when less than this is left of one of its certificates. */
const RENEW_WITHIN_DAYS = 30;

const TITLES: Readonly<Record<ChainName, string>> = { ca: 'CA', tsa: 'timestamp authority' };

/**
 * Replaces in `folder` what has ended; chains that are not there yet are left to be made.
 * Returns what was done, a sentence each.
 * @throws Refusal when a chain has not begun yet: then a clock is wrong, or was when the instance was made
 */
export async function renewEndedChains(folder: string, keys: DevelopmentKeys, nowMs: number): Promise<string[]> {
	const done: string[] = [];
	for (const name of ['ca', 'tsa'] as const) {
		const path = join(folder, CHAIN_FILES[name]);
		const old = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'ENOENT') throw error;
			return undefined;
		});
		if (old === undefined) continue;
		const certificates = parsePem(old).map(({ der }) => new X509Certificate(der));
		const begins = certificates
			.map(({ validFromDate }) => validFromDate)
			.toSorted(byTime)
			.at(-1)!;
		if (begins.getTime() > nowMs)
			throw new Refusal(
				`the certificates of the ${TITLES[name]} in ${path} begin at ${begins.toISOString()}, and it is ${new Date(nowMs).toISOString()}: set this machine's clock right. If it is right now, it was ahead when the instance was made: begin another one in another folder (--data)`,
			);
		const ends = certificates.map(({ validToDate }) => validToDate).toSorted(byTime)[0]!;
		if (ends.getTime() > nowMs + RENEW_WITHIN_DAYS * DAY_MS) continue;
		const renewed =
			name === 'ca' ? await renewCa(keys, certificates, nowMs) : await makeTsaChain(keys, new Date(nowMs));
		// The old one first, under a name of its own. A crash between the two leaves it twice, and the next start goes on here.
		await writeDurably(join(folder, pastName(name, certificates)), old, 0o644);
		await writeDurably(path, renewed, 0o644);
		const until = parsePem(renewed)
			.map(({ der }) => new X509Certificate(der).validToDate)
			.toSorted(byTime)[0]!;
		const verb = ends.getTime() <= nowMs ? 'ended' : 'ends';
		done.push(
			`the certificates of the ${TITLES[name]} ${verb} at ${day(ends)}: made new ones under the same keys, until ${day(until)}; what was signed under the old ones still verifies`,
		);
	}
	return done;
}

/** Below the same root as long as that lasts, so that whoever trusts the root need not be told; else all anew. */
async function renewCa({ signers }: DevelopmentKeys, old: readonly X509Certificate[], nowMs: number): Promise<string> {
	const about = namedForCa({ signers }, new Date(nowMs));
	const issuing = await createIssuingCertificate(about);
	const root = old.at(-1)!;
	if (root.validToDate >= new X509Certificate(issuing).validToDate)
		return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', new Uint8Array(root.raw));
	const chain = await createCaChain({ ...about, random: randomBytes });
	return encodePem('CERTIFICATE', chain.issuing) + encodePem('CERTIFICATE', chain.root);
}

/** Told apart by its first certificate. */
function pastName(name: ChainName, [first]: readonly X509Certificate[]): string {
	return `${name}-chain-past-${createHash('sha256').update(first!.raw).digest('hex').slice(0, 16)}.pem`;
}

function byTime(a: Date, b: Date): number {
	return a.getTime() - b.getTime();
}

function day(time: Date): string {
	return time.toISOString().slice(0, 10);
}
