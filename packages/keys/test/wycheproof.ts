/**
 * Reads the Wycheproof sets that lie beside the project (folder `VECTORS`, default `../shared/vectors` seen from the
 * root of the repository). They judge every signature backend; where they are missing, their tests do not run.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(
	process.env.VECTORS ?? fileURLToPath(new URL('../../../../shared/vectors', import.meta.url)),
	'wycheproof',
);

export interface SignatureCase {
	readonly id: number;
	readonly comment: string;
	readonly publicKey: Uint8Array;
	readonly message: Uint8Array;
	readonly signature: Uint8Array;
	readonly result: 'valid' | 'invalid' | 'acceptable';
	readonly flags: readonly string[];
}

interface WycheproofFile {
	readonly numberOfTests: number;
	readonly testGroups: readonly {
		readonly publicKeyDer: string;
		readonly tests: readonly {
			readonly tcId: number;
			readonly comment: string;
			readonly msg: string;
			readonly sig: string;
			readonly result: SignatureCase['result'];
			readonly flags: readonly string[];
		}[];
	}[];
}

export function hasWycheproof(file: string): boolean {
	return existsSync(join(FOLDER, file));
}

export function readWycheproof(file: string): SignatureCase[] {
	const { numberOfTests, testGroups } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as WycheproofFile;
	const cases = testGroups.flatMap(({ publicKeyDer, tests }) =>
		tests.map((test) => ({
			id: test.tcId,
			comment: test.comment,
			publicKey: Uint8Array.fromHex(publicKeyDer),
			message: Uint8Array.fromHex(test.msg),
			signature: Uint8Array.fromHex(test.sig),
			result: test.result,
			flags: test.flags,
		})),
	);
	if (cases.length !== numberOfTests) throw new Error(`${file} says ${numberOfTests} tests and holds ${cases.length}`);
	return cases;
}

/** The cases that `verify` answers otherwise than the set does, as readable lines. */
export function disagreements(cases: readonly SignatureCase[], verify: (one: SignatureCase) => boolean): string[] {
	return cases
		.filter((one) => verify(one) !== (one.result === 'valid'))
		.map(({ id, comment, result, flags }) => `${id} ${result}: ${comment} [${flags.join(' ')}]`);
}
