/** What others may catch has one root and a stable code: the command and the tables of statuses rely on it. */
import type { Complaint, SourceTree } from './source-tree.ts';

/**
 * Errors that steer the flow between two files of one folder, and the one for a fault of ours (`TransactionAbortedError`),
 * whose stack is wanted.
 */
const STEERING = /^packages\/(tlog\/src\/sequence\/batch|postgres\/src\/pg-errors)\.ts$/;

export function errorRoot(tree: SourceTree): Complaint[] {
	return [...tree.sources.values()]
		.filter(
			({ path, text, isTest }) => !isTest && !STEERING.test(path) && /^export class \w+ extends Error\b/m.test(text),
		)
		.map(
			({ path }) => `${path}: what others may catch extends ChanceryError (core/chancery-error) and has a stable code`,
		);
}
