/**
 * The story of `chancery init`: from answers to a folder that an instance runs from. Nothing is started, and nobody is
 * asked over a network.
 *
 * A kill at any point leaves a folder that the next run continues with the same answers: the record comes first and
 * decides, each file appears whole, and what is there is opened and never made twice.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { lockFile } from '@chancery/postgres/file-lock';
import { makeFolders, writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../../instance/refusal.ts';
import { signFirstRoot } from '../first-root.ts';
import type { Answers } from './answers.ts';
import type { OpenRequest } from './existing-pki.ts';
import { configurationOf } from './init-configuration.ts';
import {
	type Chains,
	type Material,
	openMaterial,
	openTokenKeys,
	publicMaterial,
	required,
	type TokenKeys,
} from './init-material.ts';
import { type InitRecord, openInitRecord, readInitRecord, sha256Hex, writeInitRecord } from './init-record.ts';
import { keepAnswers } from './kept-answers.ts';
import { type Layout, layoutOf } from './layout.ts';
import { isThere, type OnStep } from './made-once.ts';
import { refuseOtherKeys } from './same-keys.ts';

export interface InitOrder {
	/** Made when it is missing; an existing one is empty, or of an earlier run. */
	readonly folder: string;
	readonly answers: Answers;
	/** Unix milliseconds: certificates begin here. */
	readonly nowMs: number;
	/** Called for each file that is made, before it is. */
	readonly onStep: (path: string, what: string) => void;
}

export interface MadeInstance {
	readonly state: 'made';
	/** Configuration file of each host. */
	readonly configurations: readonly string[];
	/** SHA-256 (hexadecimal) of the first root: the one thing that clients are told beside an address. */
	readonly fingerprint: string;
	readonly rootFile: string;
	/** To be taken off this machine. */
	readonly offline: string;
}

/** The PKI of the organization has to answer; the same call goes on then. */
export interface WaitingInstance {
	readonly state: 'waiting';
	readonly requests: readonly OpenRequest[];
}

/**
 * @throws {Refusal} when the folder is somebody else's, in use or incomplete, or an answer has changed that cannot; KeyError;
 * IssuedChainError; ConfigError for answers that are not valid
 */
export async function initInstance(order: InitOrder): Promise<MadeInstance | WaitingInstance> {
	const { folder, answers } = order;
	const layout = layoutOf(folder, answers);
	await checkFree(layout);
	// The first root comes last of all that cannot be made again: where it is, the instance is complete.
	const mayMake = !(await isThere(join(layout.trust, 'root.json')));
	const inTokens = await openTokenKeys(layout, answers, { mayMake });
	await makeFolders(folder, 0o700);
	// Two runs at once would each make half of the keys, with the passphrases of the other.
	const lock = await lockFile(layout.lock);
	if (!lock) throw new Refusal(`${folder} is in use by another 'chancery init'; wait until that one has ended`);
	try {
		return await makeInstance(layout, order, { mayMake, inTokens });
	} finally {
		lock.release();
	}
}

async function makeInstance(
	layout: Layout,
	{ folder, answers, nowMs, onStep }: InitOrder,
	{ mayMake, inTokens }: { readonly mayMake: boolean; readonly inTokens: TokenKeys },
): Promise<MadeInstance | WaitingInstance> {
	const made = (path: string, what: string) => onStep(relative(folder, path), what);

	// 1. What is decided once. A crash before this leaves an empty folder; one after it, a beginning that has a date.
	const record = await openInitRecord(layout.record, answers, nowMs);

	// 2. Keys, tokens, chains: init-material.ts says what a crash between two of them leaves.
	const material = await openMaterial(layout, answers, record, { mayMake, inTokens, nowMs, onStep: made });
	const { chains, signers } = material;
	if (!isComplete(chains)) return { state: 'waiting', requests: chains };

	// 3. The first root, the one signature of the keyholder here. Irreversible: its SHA-256 is what users are told. A crash
	// before leaves no root and the next run signs one, of the same date; one after it, a root that is only read from then on.
	const rootFile = join(layout.trust, 'root.json');
	const root = await openRoot(rootFile, answers, record, material, made);
	refuseOtherKeys(root, { snapshot: required(signers, 'tuf/snapshot'), timestamp: required(signers, 'tuf/timestamp') });

	// 4. What may be signed later: the same for the same keys and chains, so that a crash before it is repaired by the next run.
	await openPublicMaterial(layout, publicMaterial(signers, chains), made);
	const fingerprint = sha256Hex(root);
	await writeIfOther(join(layout.trust, 'fingerprint.txt'), `${fingerprint}\n`, 0o644);

	// 5. Configurations: from answers and record, so that any of them can be made again at any time.
	const configurations = await writeConfigurations(layout, answers, record, material.tokens, made);

	// 6. The answers, for the commands to come. A crash before it leaves those of an earlier run, or none.
	await keepAnswers(layout.answers, answers);
	return { state: 'made', configurations, fingerprint, rootFile, offline: layout.offline };
}

function isComplete(chains: Material['chains']): chains is Chains {
	return !Array.isArray(chains);
}

/** @throws {Refusal} when something else is in the folder */
async function checkFree({ folder, record }: Layout): Promise<void> {
	if ((await readInitRecord(record)) !== undefined) return;
	const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return [];
		throw new Refusal(`${folder} cannot be used (${error.code})`, { cause: error });
	});
	const other = names.find((name) => !['init.json.new', 'init.lock', 'lost+found'].includes(name));
	if (other !== undefined)
		throw new Refusal(
			`${folder} holds no instance (no init.json) and is not empty: '${other}' is in it. Choose an empty folder, or one that does not exist`,
		);
}

async function openRoot(
	path: string,
	answers: Answers,
	{ createdAt }: InitRecord,
	{ holders, signers }: Material,
	onStep: OnStep,
): Promise<Uint8Array> {
	// Signed once: a second signing would have other bytes where a key does not sign deterministically.
	if (await isThere(path)) return new Uint8Array(await readFile(path));
	onStep(path, 'first root of trust, signed by the key of the keyholder');
	const root = await signFirstRoot({
		root: required(holders, 'tuf-root'),
		targets: required(holders, 'tuf-targets'),
		snapshot: required(signers, 'tuf/snapshot'),
		timestamp: required(signers, 'tuf/timestamp'),
		nowMs: parseRfc3339(createdAt).getTime(),
		validForDays: answers.root.validForDays,
	});
	await makeFolders(join(path, '..'), 0o755);
	await writeDurably(path, root, 0o644);
	return root;
}

/** @throws {Refusal} when a key or a certificate is another than before */
async function openPublicMaterial({ trust }: Layout, material: readonly string[], onStep: OnStep): Promise<void> {
	const path = join(trust, 'material.json');
	const text = `${JSON.stringify(material, null, '\t')}\n`;
	const existing = await readFile(path, 'utf8').catch(() => undefined);
	if (existing !== undefined && existing !== text)
		throw new Refusal(
			`a key or certificate of a log or an authority is another than when this instance was made (${path}): its logs and root of trust name the first. Give that one again`,
		);
	if (existing !== undefined) return;
	onStep(path, 'keys and certificates that the trusted root may name');
	await writeDurably(path, text, 0o644);
}

/** @throws {Refusal} when one was edited, before any is written */
async function writeConfigurations(
	layout: Layout,
	answers: Answers,
	record: InitRecord,
	tokens: Material['tokens'],
	onStep: OnStep,
): Promise<string[]> {
	const plans = layout.hosts.map((host) => {
		const path = join(host.folder, 'chancery.yaml');
		const text = configurationOf(host, { layout, answers, record, tokens });
		return { path, name: relative(layout.folder, path), text };
	});
	const written = { ...record.written };
	const stale: typeof plans = [];
	for (const plan of plans) {
		const existing = await readFile(plan.path, 'utf8').catch(() => undefined);
		if (existing === plan.text) continue;
		if (existing !== undefined && !record.written[plan.name]?.includes(sha256Hex(existing)))
			throw new Refusal(
				`${plan.path} was edited since it was made, and is left as it is. Move it away to have it made again, or go on with it`,
			);
		stale.push(plan);
		written[plan.name] = [...new Set([...(written[plan.name] ?? []), sha256Hex(plan.text)])];
	}
	// First what they will be: a crash between the two leaves files that are known to be ours either way.
	await writeInitRecord(layout.record, { ...record, written });
	for (const { path, text } of stale) {
		onStep(path, 'configuration');
		await writeDurably(path, text, 0o600);
	}
	return plans.map(({ path }) => path);
}

async function writeIfOther(path: string, text: string, mode: number): Promise<void> {
	if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeDurably(path, text, mode);
}
