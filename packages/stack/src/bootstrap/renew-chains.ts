/**
 * New chains for a development instance whose old ones have ended, or soon will: under the same keys, from now on. What
 * the old ones vouched for stays verifiable: they are kept beside the new ones, and stay in the trusted root.
 *
 * One start under a clock that is far ahead makes chains of the future. When the clock is right again, the chain of
 * before is put back, or a new one made, and the one of the future is kept as the others are.
 */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCaChain, createIssuingCertificate } from '@chancery/ca/ca-chain';
import { ca } from '@chancery/ca/definition';
import { encodePem, parsePem } from '@chancery/core/pem';
import type { Signer } from '@chancery/keys/signer';
import { writeDurably } from '@chancery/postgres/file-modes';
import { tsa } from '@chancery/tsa/definition';
import { Refusal } from '../instance/refusal.ts';
import { CHAIN_FILES, type ChainName, isPastChain, makeTsaChain, namedForCa } from './development-chains.ts';
import type { DevelopmentKeys } from './development-keys.ts';

const DAY_MS = 86_400_000;
/** A chain is replaced when less than this is left of one of its certificates. */
const RENEW_WITHIN_DAYS = 30;

const TITLES: Readonly<Record<ChainName, string>> = { ca: 'CA', tsa: 'timestamp authority' };

interface Chain {
	readonly pem: string;
	/** First the one that signs, last the root. */
	readonly certificates: readonly X509Certificate[];
	/** Since when, and until when, all of them are valid. */
	readonly begins: Date;
	readonly ends: Date;
}

/**
 * Replaces in `folder` what has ended, or has not begun yet; chains that are not there yet are left to be made.
 * Returns what was done, a sentence each.
 * @throws {Refusal} when no chain of the instance has begun yet: then a clock is wrong, or was when the instance was made
 */
export async function renewEndedChains(folder: string, keys: DevelopmentKeys, nowMs: number): Promise<string[]> {
	const done: string[] = [];
	for (const name of ['ca', 'tsa'] as const) {
		const path = join(folder, CHAIN_FILES[name]);
		const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'ENOENT') throw error;
			return undefined;
		});
		if (pem === undefined) continue;
		const current = readChain(pem);
		if (isGood(current, nowMs)) continue;
		const past = await readPast(folder, name);
		const first = [current, ...past].toSorted((a, b) => byTime(a.begins, b.begins))[0]!;
		if (first.begins.getTime() > nowMs)
			throw new Refusal(
				`the certificates of the ${TITLES[name]} in ${path} begin at ${first.begins.toISOString()}, and it is ${new Date(nowMs).toISOString()}: set this machine's clock right. If it is right now, it was ahead when the instance was made: begin another one in another folder (--data)`,
			);
		const signer = name === 'ca' ? keys.of(ca).issuing : keys.of(tsa).signer;
		const back = past
			.filter((chain) => isGood(chain, nowMs) && isOfKey(chain.certificates[0]!, signer))
			.toSorted((a, b) => byTime(a.ends, b.ends))
			.at(-1);
		const next = back ?? readChain(await makeChain(name, keys, [current, ...past], nowMs));
		// The old one first, under a name of its own. A crash between the two leaves it twice, and the next start goes on here.
		await writeDurably(join(folder, pastName(name, current)), current.pem, 0o644);
		await writeDurably(path, next.pem, 0o644);
		done.push(
			`the certificates of the ${TITLES[name]} ${whyReplaced(current, nowMs)}: ${back ? 'put back earlier ones' : 'made new ones'} under the same keys, until ${day(next.ends)}; what was signed under the old ones still verifies`,
		);
	}
	return done;
}

async function makeChain(
	name: ChainName,
	keys: DevelopmentKeys,
	known: readonly Chain[],
	nowMs: number,
): Promise<string> {
	return name === 'ca' ? renewCa(keys, known, nowMs) : makeTsaChain(keys, new Date(nowMs));
}

/** Below the root of before as long as that lasts, so that whoever trusts the root need not be told; else all anew. */
async function renewCa(keys: DevelopmentKeys, known: readonly Chain[], nowMs: number): Promise<string> {
	const about = namedForCa(keys, new Date(nowMs));
	const issuing = await createIssuingCertificate(about);
	const { validToDate } = new X509Certificate(issuing);
	const root = known
		.map(({ certificates }) => certificates.at(-1)!)
		.find(
			(at) =>
				at.validFromDate.getTime() <= nowMs && at.validToDate >= validToDate && isOfKey(at, keys.holders['ca-root']),
		);
	if (root) return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', new Uint8Array(root.raw));
	const chain = await createCaChain({ ...about, random: randomBytes });
	return encodePem('CERTIFICATE', chain.issuing) + encodePem('CERTIFICATE', chain.root);
}

async function readPast(folder: string, name: ChainName): Promise<Chain[]> {
	const names = (await readdir(folder)).filter((file) => isPastChain(file, name));
	return Promise.all(names.map(async (file) => readChain(await readFile(join(folder, file), 'utf8'))));
}

function readChain(pem: string): Chain {
	const certificates = parsePem(pem).map(({ der }) => new X509Certificate(der));
	const begins = certificates.map(({ validFromDate }) => validFromDate).toSorted(byTime);
	const ends = certificates.map(({ validToDate }) => validToDate).toSorted(byTime);
	return { pem, certificates, begins: begins.at(-1)!, ends: ends[0]! };
}

function isGood({ begins, ends }: Chain, nowMs: number): boolean {
	return begins.getTime() <= nowMs && ends.getTime() > nowMs + RENEW_WITHIN_DAYS * DAY_MS;
}

function isOfKey({ publicKey }: X509Certificate, signer: Signer): boolean {
	return publicKey.export({ type: 'spki', format: 'der' }).equals(signer.publicKey);
}

function whyReplaced({ begins, ends }: Chain, nowMs: number): string {
	if (begins.getTime() > nowMs) return `begin at ${day(begins)}, because the clock was ahead at an earlier start`;
	return `${ends.getTime() <= nowMs ? 'ended' : 'ends'} at ${day(ends)}`;
}

/** Told apart by its first certificate. */
function pastName(name: ChainName, { certificates: [first] }: Chain): string {
	return `${name}-chain-past-${createHash('sha256').update(first!.raw).digest('hex').slice(0, 16)}.pem`;
}

function byTime(a: Date, b: Date): number {
	return a.getTime() - b.getTime();
}

function day(time: Date): string {
	return time.toISOString().slice(0, 10);
}
