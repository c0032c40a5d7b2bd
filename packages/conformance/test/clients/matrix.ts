/** Lets every signer sign at two instances and every verifier judge all of it, and prints who accepted what. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
	FAULTS,
	type Fault,
	KINDS,
	type Kind,
	type LogVersion,
	type Place,
	PREDICATE,
	SIGNER,
	type Signer,
	statementAbout,
	type Verdict,
	type Verifier,
} from './client.ts';
import type { Workplace } from './places.ts';

/** One way to sign: a client, a kind of bundle and a log. */
export interface Way {
	readonly signer: string;
	readonly kind: Kind;
	readonly log: LogVersion;
}

export const nameOf = ({ signer, kind, log }: Way): string => `${signer}, ${kind}, v${log}`;

/** The question that a verifier was asked about a signature: as it is, at the other instance, or with a fault. */
export type Question = 'as signed' | 'at the other instance' | Fault;

export type Verdicts = ReadonlyMap<string, Verdict>;
export const keyOf = (verifier: string, way: Way, question: Question): string =>
	`${verifier} | ${nameOf(way)} | ${question}`;

/** The questions that make sense for a verifier and a kind of bundle. */
export function questionsFor(verifier: Pick<Verifier, 'comparesSubject'>, kind: Kind): Question[] {
	const faults = FAULTS.filter((fault) => {
		if (fault === 'statement') return kind === 'attestation';
		if (fault === 'artifact') return kind === 'blob' || verifier.comparesSubject;
		return true;
	});
	return ['as signed', 'at the other instance', ...faults];
}

interface SignedWay {
	readonly way: Way;
	readonly bundles: Readonly<Record<Place['name'], string>>;
}

export async function playMatrix(
	workplace: Workplace,
	signers: readonly Signer[],
	verifiers: readonly Verifier[],
): Promise<Verdicts> {
	const files = await writeFiles(workplace.folder);
	const signed: SignedWay[] = [];
	// Clients at once, but each client does one thing after another: its state on disk is not made for two at a time.
	await Promise.all(signers.map((signer) => signAll(workplace, signer, files, signed)));
	const verdicts = new Map<string, Verdict>();
	await Promise.all(verifiers.map((verifier) => judgeAll(workplace, verifier, files, signed, verdicts)));
	return verdicts;
}

interface Files {
	readonly artifact: string;
	readonly otherArtifact: string;
	readonly predicate: string;
	readonly statement: string;
}

async function writeFiles(folder: string): Promise<Files> {
	const files = {
		artifact: join(folder, 'artifact.bin'),
		otherArtifact: join(folder, 'tampered.bin'),
		predicate: join(folder, 'predicate.json'),
		statement: join(folder, 'statement.json'),
	};
	const content = Buffer.from('what everybody signs\n\0\xff', 'latin1');
	await writeFile(files.artifact, content);
	await writeFile(files.otherArtifact, Buffer.concat([content, Buffer.of(0)]));
	await writeFile(files.predicate, JSON.stringify(PREDICATE));
	await writeFile(files.statement, statementAbout('artifact.bin', content));
	return files;
}

async function signAll({ folder, home, foreign }: Workplace, signer: Signer, files: Files, signed: SignedWay[]) {
	for (const kind of KINDS) {
		for (const log of signer.logs) {
			const way = { signer: signer.name, kind, log };
			const name = nameOf(way).replaceAll(/\W+/g, '-');
			const bundles = {
				home: join(folder, `${name}.home.sigstore.json`),
				foreign: join(folder, `${name}.foreign.sigstore.json`),
			};
			for (const place of [home, foreign]) {
				await signer.sign({ ...files, place, kind, log, bundle: bundles[place.name] });
			}
			if (kind === 'attestation') await writeFile(tamperedOf(bundles.home), await tamperStatement(bundles.home));
			signed.push({ way, bundles });
		}
	}
}

const tamperedOf = (bundle: string) => bundle.replace('.sigstore.json', '.tampered.sigstore.json');

/** The same bundle about another build: well formed, so that only its signature can give it away. */
async function tamperStatement(bundle: string): Promise<string> {
	const json = JSON.parse(await readFile(bundle, 'utf8')) as { dsseEnvelope: { payload: string } };
	const payload = Buffer.from(json.dsseEnvelope.payload, 'base64').toString();
	const tampered = payload.replace('"all"', '"any"');
	if (tampered === payload) throw new Error(`nothing to tamper with in ${bundle}`);
	json.dsseEnvelope.payload = Buffer.from(tampered).toString('base64');
	return JSON.stringify(json);
}

async function judgeAll(
	{ home, foreign }: Workplace,
	verifier: Verifier,
	files: Files,
	signed: readonly SignedWay[],
	verdicts: Map<string, Verdict>,
): Promise<void> {
	for (const { way, bundles } of signed) {
		const good = {
			place: home,
			kind: way.kind,
			log: way.log,
			artifact: files.artifact,
			bundle: bundles.home,
			identity: SIGNER,
			issuer: home.instance.oidcIssuer,
		};
		const ofForeign = { ...good, bundle: bundles.foreign, issuer: foreign.instance.oidcIssuer };
		const asked: Record<Question, typeof good> = {
			'as signed': good,
			'at the other instance': { ...ofForeign, place: foreign },
			artifact: { ...good, artifact: files.otherArtifact },
			statement: { ...good, bundle: tamperedOf(bundles.home) },
			identity: { ...good, identity: 'mallory@example.com' },
			issuer: { ...good, issuer: foreign.instance.oidcIssuer },
			// Everything fits but where it was made, and by whose keys.
			instance: ofForeign,
		};
		for (const question of questionsFor(verifier, way.kind)) {
			verdicts.set(keyOf(verifier.name, way, question), await verifier.verify(asked[question]));
		}
	}
}

/** One line per way to sign, one column per verifier; in each how many of the refusals that were asked for came. */
export function printMatrix(ways: readonly Way[], verifiers: readonly Verifier[], verdicts: Verdicts): string {
	const rows = ways.map((way) => [nameOf(way), ...verifiers.map((verifier) => cell(way, verifier, verdicts))]);
	const table = [['signed by', ...verifiers.map(({ name }) => name)], ...rows];
	const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
	return table.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

function cell(way: Way, verifier: Verifier, verdicts: Verdicts): string {
	const questions = questionsFor(verifier, way.kind);
	const said = (question: Question) => verdicts.get(keyOf(verifier.name, way, question));
	const faults = questions.filter((question) => question in verifier.refusals);
	const refused = faults.filter((fault) => said(fault)?.accepted === false).length;
	return `${said('as signed')?.accepted ? 'accepted' : 'REFUSED'}, ${refused}/${faults.length}`;
}
