/** The answers lie with the instance, so that later commands need no second copy. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '@chancery/postgres/file-modes';
import { Refusal } from '../../instance/refusal.ts';
import { type Answers, readAnswers } from './answers.ts';
import { readInitRecord } from './init-record.ts';

/** As `init` was given them; paths are absolute by then. */
export async function keepAnswers(path: string, answers: Answers): Promise<void> {
	// JSON is YAML.
	const text = `${JSON.stringify(answers, null, '\t')}\n`;
	if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeDurably(path, text, 0o600);
}

/** @throws {Refusal} when the folder is none that `init` has made */
export async function keptAnswers(folder: string): Promise<Answers> {
	if (!(await readInitRecord(join(folder, 'init.json'))))
		throw new Refusal(`${folder} holds no instance that 'chancery init' made`);
	return readAnswers(join(folder, 'answers.yaml'));
}
