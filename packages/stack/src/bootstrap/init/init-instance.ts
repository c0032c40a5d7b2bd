/**
 * The story of `chancery init`: from answers to a folder that an instance runs from. Nothing is started, and nobody is
 * asked over a network.
 *
 * A kill at any point leaves a folder that the next run continues with the same answers: the record comes first and
 * decides, each file appears whole, and what is there is opened and never made twice.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { makeFolders, writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../../instance/refusal.ts';
import { signFirstRoot } from '../first-root.ts';
import type { Answers } from './answers.ts';
import { configurationOf } from './init-configuration.ts';
import { openMaterial, publicMaterial, required } from './init-material.ts';
import { openInitRecord, readInitRecord, sha256Hex, writeInitRecord } from './init-record.ts';
import { keepAnswers } from './kept-answers.ts';
import { type Layout, layoutOf } from './layout.ts';

export interface InitOrder {
	/** Made when it is missing; an existing one is empty, or of an earlier run. */
	readonly folder: string;
	readonly answers: Answers;
	/** Unix milliseconds: certificates begin here. */
	readonly nowMs: number;
	/** Called for each file that is made, before it is. */
	readonly onStep: (path: string, what: string) => void;
}

export interface InitOutcome {
	/** Configuration file of each host. */
	readonly configurations: readonly string[];
	/** SHA-256 (hexadecimal) of the first root: the one thing that clients are told beside an address. */
	readonly fingerprint: string;
	readonly rootFile: string;
	/** To be taken off this machine. */
	readonly offline: string;
}

/** @throws {Refusal}, KeyError; ConfigError for answers that are not valid */
export async function initInstance({ folder, answers, nowMs, onStep }: InitOrder): Promise<InitOutcome> {
	const layout = layoutOf(folder, answers);
	await checkFree(layout);
	await makeFolders(folder, 0o700);
	const record = await openInitRecord(layout.record, answers, nowMs);
	await writeInitRecord(layout.record, record);
	await keepAnswers(folder, answers);
	const made = (path: string, what: string) => onStep(relative(folder, path), what);

	const material = await openMaterial(layout, answers, record, made);
	const root = await openRoot(layout, answers, record.createdAt, material, made);
	await writePublic(join(layout.trust, 'material.json'), `${JSON.stringify(publicMaterial(material), null, '\t')}\n`);
	const fingerprint = sha256Hex(root);
	await writePublic(join(layout.trust, 'fingerprint.txt'), `${fingerprint}\n`);

	const configurations: string[] = [];
	const written = { ...record.written };
	for (const host of layout.hosts) {
		const path = join(host.folder, 'chancery.yaml');
		const name = relative(folder, path);
		const text = configurationOf(host, { layout, answers, record, tokens: material.tokens });
		const existing = await readFile(path, 'utf8').catch(() => undefined);
		if (existing !== undefined && existing !== text && sha256Hex(existing) !== record.written[name])
			throw new Refusal(
				`${path} was edited since it was made, and is left as it is. Move it away to have it made again, or go on with it`,
			);
		if (existing !== text) {
			made(path, 'configuration');
			// First what it will be: a crash between the two leaves a file that is known to be ours either way.
			written[name] = sha256Hex(text);
			if (existing === undefined) await writeInitRecord(layout.record, { ...record, written });
			await writeDurably(path, text, 0o600);
		}
		written[name] = sha256Hex(text);
		configurations.push(path);
	}
	await writeInitRecord(layout.record, { ...record, written });
	return { configurations, fingerprint, rootFile: join(layout.trust, 'root.json'), offline: layout.offline };
}

/** @throws {Refusal} when something else is in the folder */
async function checkFree({ folder, record }: Layout): Promise<void> {
	if ((await readInitRecord(record)) !== undefined) return;
	const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return [];
		throw new Refusal(`${folder} cannot be used (${error.code})`, { cause: error });
	});
	const other = names.find((name) => name !== 'init.json.new' && name !== 'lost+found');
	if (other !== undefined)
		throw new Refusal(
			`${folder} holds no instance (no init.json) and is not empty: '${other}' is in it. Choose an empty folder, or one that does not exist`,
		);
}

async function openRoot(
	layout: Layout,
	answers: Answers,
	createdAt: string,
	{ holders, signers }: Awaited<ReturnType<typeof openMaterial>>,
	onStep: (path: string, what: string) => void,
): Promise<Uint8Array> {
	const path = join(layout.trust, 'root.json');
	// Signed once: a second signing would have other bytes where a key does not sign deterministically.
	if (await stat(path).catch(() => undefined)) return new Uint8Array(await readFile(path));
	onStep(path, 'first root of trust, signed by the key of the keyholder');
	const root = await signFirstRoot({
		root: holders['tuf-root'],
		targets: holders['tuf-targets'],
		snapshot: required(signers, 'tuf/snapshot'),
		timestamp: required(signers, 'tuf/timestamp'),
		nowMs: parseRfc3339(createdAt).getTime(),
		validForDays: answers.root.validForDays,
	});
	await writePublic(path, root);
	return root;
}

async function writePublic(path: string, content: string | Uint8Array): Promise<void> {
	await makeFolders(join(path, '..'), 0o755);
	await writeDurably(path, content, 0o644);
}
