/**
 * An instance of the released version, filled and stopped: data folder, marks, bundles, and what it answered. Made once by
 * the recipe in this folder and kept beside the program; each run works on a copy.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fill, type Sample } from './fill.ts';
import { lastingRequests, repeated } from './lasting-requests.ts';
import { CACHE, openOldProgram } from './old-program.ts';
import { type Place, type Program, placeIn, type RunningInstance, startUp } from './program.ts';
import { openReader, type Reader } from './reader.ts';
import { type RecordedAnswer, record, without } from './recording.ts';
import { checkV1Answer, checkV2Answer, type Heads, readHeads, readLogKeys } from './signed-heads.ts';
import { sign } from './signing.ts';
import { openSubmissions } from './submissions.ts';

export interface FilledInstance {
	/** A copy of its own; everything below goes away after the run. */
	readonly base: string;
	readonly place: Place;
	readonly recorded: Recorded;
	/** What was signed, and how. */
	readonly artifact: string;
	readonly bundles: readonly SignedBundle[];
	/** The trusted root as the released version gave it to its clients. */
	readonly trustedRoot: string;
}

export interface Recorded {
	readonly heads: Heads;
	readonly oidcIssuer: string;
	readonly answers: readonly RecordedAnswer[];
	/** The newest TUF timestamp, whose successors may only be newer. */
	readonly tufTimestamp: { readonly version: number };
}

export interface SignedBundle {
	readonly name: string;
	readonly path: string;
	readonly isAttestation: boolean;
}

/** For the hook that opens one: it may have to be made. */
export const FILLED_WITHIN_MS = 900_000;

const ENTRIES = Number(process.env.UPGRADE_ENTRIES || 100_000);

/** The addresses of an instance stand in its certificates and its trusted root, so they stay those of the recipe. */
const PORT_BASE = 21_600;
const SEED = 'upgrade';

/** What decides how an instance is filled and what is written down of it. */
const RECIPE = ['filled-instance', 'signing', 'submissions', 'fill', 'lasting-requests', 'recording', 'signed-heads'];

/** Opens a copy of the filled instance, making it when there is none of this recipe. */
export async function openFilledInstance(say: (line: string) => void): Promise<FilledInstance> {
	const hash = createHash('sha256').update(`${ENTRIES}\n`);
	for (const name of RECIPE) hash.update(await readFile(join(import.meta.dirname, `${name}.ts`)));
	const kept = join(CACHE, `filled-${ENTRIES}-${hash.digest('hex').slice(0, 12)}`);
	if (!existsSync(kept)) await make(kept, say);
	const base = await makeBase();
	await copyTree(kept, base);
	return {
		base,
		place: placeIn(base),
		recorded: JSON.parse(await readFile(join(base, RECORDED), 'utf8')),
		artifact: join(base, ARTIFACT),
		bundles: BUNDLES.map((bundle) => ({ ...bundle, path: bundlePath(base, bundle.name) })),
		trustedRoot: join(base, TRUSTED_ROOT),
	};
}

const RECORDED = 'recorded.json';
const ARTIFACT = 'artifact.txt';
const TRUSTED_ROOT = 'trusted_root.json';
const BUNDLES = [
	{ name: 'v1', logVersion: 1, isAttestation: false },
	{ name: 'v2', logVersion: 2, isAttestation: false },
	{ name: 'v1-attestation', logVersion: 1, isAttestation: true },
	{ name: 'v2-attestation', logVersion: 2, isAttestation: true },
] as const;
const bundlePath = (base: string, name: string) => join(base, `${name}.sigstore.json`);

/** A failure leaves nothing in the cache but what has no name that is looked for. */
async function make(kept: string, say: (line: string) => void): Promise<void> {
	const startedAt = performance.now();
	const lap = (what: string) => say(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${what}`);
	const program = await openOldProgram();
	lap(`${program.name} is installed`);
	for (const name of await readdir(CACHE))
		if (name.startsWith('filled-')) await rm(join(CACHE, name), { recursive: true, force: true });
	const base = await makeBase();
	try {
		const place = placeIn(base);
		const instance = await startUp(program, place, ['--port-base', String(PORT_BASE)]);
		let code: number | null;
		try {
			await signBundles(program, place, base);
			const samples = await fill(instance.urls, await openSubmissions(SEED, place.data), ENTRIES);
			lap(`filled with ${ENTRIES} entries`);
			const recorded = await recordAll(instance, samples);
			await writeFile(join(base, RECORDED), JSON.stringify(recorded), { mode: 0o600 });
			await copyFile(instance.trustedRoot, join(base, TRUSTED_ROOT));
			lap(`${recorded.answers.length} answers are written down`);
		} finally {
			code = await instance.stop();
		}
		if (code !== 0) throw new Error(`${program.name} was told to stop and ended with ${code}`);
		const draft = join(CACHE, 'draft');
		await rm(draft, { recursive: true, force: true });
		await mkdir(draft, { recursive: true, mode: 0o700 });
		await copyTree(base, draft);
		await rename(draft, kept);
		lap(`kept in ${kept}`);
	} finally {
		await rm(base, { recursive: true, force: true });
	}
}

async function signBundles(program: Program, place: Place, base: string): Promise<void> {
	const artifact = join(base, ARTIFACT);
	const predicate = join(base, 'predicate.json');
	await writeFile(artifact, 'signed before the upgrade\n', { mode: 0o600 });
	await writeFile(predicate, '{"passed":true}', { mode: 0o600 });
	for (const { name, logVersion, isAttestation } of BUNDLES)
		await sign(program, place, {
			artifact,
			bundle: bundlePath(base, name),
			logVersion,
			...(isAttestation ? { predicate } : {}),
		});
}

async function recordAll(instance: RunningInstance, samples: readonly Sample[]): Promise<Recorded> {
	const reader = openReader(instance.urls);
	try {
		const keys = await readLogKeys(instance.trustedRoot);
		for (const { submission, answer } of samples) {
			if (submission.service === 'log') checkV1Answer(answer, keys.v1);
			if (submission.service === 'log2') checkV2Answer(answer, keys.v2);
		}
		const heads = await readHeads(reader, keys);
		const answers = await record(reader, await lastingRequests(reader, heads, samples));
		await requireFirstAnswers(reader, samples);
		const { signed } = await reader.json<{ signed: { version: number } }>('tuf', '/timestamp.json');
		return { heads, oidcIssuer: instance.oidcIssuer, answers, tufTimestamp: { version: signed.version } };
	} finally {
		reader.close();
	}
}

/** What is compared later is what clients were told first. */
async function requireFirstAnswers(reader: Reader, samples: readonly Sample[]): Promise<void> {
	const again = await record(
		reader,
		samples.map(({ submission }) => repeated(submission)),
	);
	for (const [at, { submission, answer }] of samples.entries()) {
		const lasting = without(answer, 'inclusionProof').toString();
		if (again[at]?.text !== lasting)
			throw new Error(`${submission.kind} was answered ${lasting} and, repeated, ${again[at]?.text}`);
	}
}

/** The database server of root runs as another user, who must be able to pass. */
async function makeBase(): Promise<string> {
	const base = await mkdtemp(join(tmpdir(), 'chancery-upgrade-'));
	await chmod(base, 0o711);
	return base;
}

/** The content of a folder, with owners, modes and times, as a backup of a stopped instance has them. */
async function copyTree(from: string, to: string): Promise<void> {
	await promisify(execFile)('cp', ['-a', `${from}/.`, to]);
}
