/** Calls that read what outsiders wrote, or make what others can reach: each has one place in the code that does it well. */
import { type Complaint, lineAt, type SourceFile, type SourceTree } from './source-tree.ts';

/** The one file that may make a `Date` from text: `Date` itself moves 30 February into March. */
const TIME_FROM_TEXT = 'packages/core/src/calendar-time.ts';
/** What `new Date(...)` is given elsewhere: milliseconds, by their name or by how they are reckoned. */
const FROM_NUMBER =
	/^(\w+\.)*(\w*(Ms|_MS)\b|now|clock\(\)|Date\.(now|UTC)\(|next\(\)|0\)|\w+ \* 1000|getTime\(\))|^typeof seconds/;

/**
 * What reads public keys. Those from outside are bounded in kind, size and exponent, and `keys/public-key` and `keys/jwk`
 * are where that is done; the files named here read keys of our own.
 */
const KEY_READING = /\b(createPublicKey|publicDecrypt|importJWK|importSPKI|importX509)\(|\.verify\(\w+\.publicKey\)/g;
const MAY_READ_KEYS =
	/^packages\/(keys\/src\/|identity\/src\/domain\/issuer-keys\.ts|stack\/src\/bootstrap\/development-tls\.ts)/;

/**
 * What makes files and folders, and removes whole ones. Modes of what we make do not depend on the umask: either nobody
 * else may use it (0600, 0700), or it is made by `postgres/file-modes.ts`, which sets the mode afterwards. What the user of the command names as
 * an output is his: it keeps its mode, or has what his umask says. Only what root gives away through
 * `account-folder.ts` changes its owner: names in folders of others are not followed.
 */
const FILE_MAKING: readonly (readonly [call: RegExp, unless: RegExp | undefined, allowedIn: RegExp, why: string])[] = [
	[
		/\bl?chown(Sync)?\(/g,
		undefined,
		/postgres\/src\/embedded\/account-folder\.ts$/,
		'only account-folder.ts changes owners',
	],
	[
		/\bchmod(Sync)?\(/g,
		undefined,
		/postgres\/src\/(file-modes|embedded\/binaries)\.ts$|cli\/src\/output-file\.ts$|keys\/src\/file\/file-key\.ts$/,
		'modes are set by file-modes.ts',
	],
	[
		/(?<!\.)\bmkdir(Sync)?\(/g,
		/\bmode: 0o700\b/,
		/postgres\/src\/file-modes\.ts$|client\/src\/folder\.ts$/,
		'a folder is made with mode 0o700, or by file-modes.ts',
	],
	[
		/(?<!\.)\brm(Sync)?\((?=[^;]*\brecursive\b)/g,
		undefined,
		/client\/src\/trust-cache\.ts$|postgres\/src\/embedded\/(account-folder|binaries)\.ts$|stack\/src\/up\/up\.ts$/,
		'whole folders are removed only where their names are of our own making; here, one may come from outside',
	],
	[
		/(?<!\.)\b(writeFile|appendFile)(Sync)?\(/g,
		/\bmode: 0o600\b/,
		/cli\/src\//,
		'a file is made with mode 0o600, or by file-modes.ts',
	],
	[
		/(?<![.#])\bopen(Sync)?\((?=[^;]*'(w|a)x?\+?')/g,
		/'(w|a)x?\+?', 0o600\b/,
		/cli\/src\//,
		'a file is made with mode 0o600, or by file-modes.ts',
	],
];

/**
 * Facts of the table of algorithms: identifiers, and the names of registries. Everybody reads them there; the enumeration
 * of the wire has names that we accept nowhere.
 */
const ALGORITHM_FACTS =
	/'(1\.2\.840\.10045\.|1\.3\.132\.0\.3|1\.3\.101\.112|1\.2\.840\.113549\.1\.1\.|2\.16\.840\.1\.101\.3\.4\.2\.)|'(PKIX_|prime256v1|secp(384|521)r1|ecdsa-sha2-nistp)/g;
const MAY_STATE_ALGORITHMS = /^packages\/(core\/src\/algorithm(s|-registry)|wire\/src\/sigstore-common)\.ts$/;

/** Programs for tests and measurements choose their own places. */
const FOR_WORK = new Set(['testkit', 'bench', 'conformance']);

export function outsideValues(tree: SourceTree): Complaint[] {
	const files = [...tree.sources.values()].filter(({ isTest }) => !isTest);
	const serving = files.filter(({ owner }) => !FOR_WORK.has(owner));
	return [
		...serving.filter(({ path }) => !MAY_READ_KEYS.test(path)).flatMap(checkKeys),
		...serving.flatMap(checkFiles),
		...serving.filter(({ path }) => !MAY_STATE_ALGORITHMS.test(path)).flatMap(checkAlgorithms),
		...files.filter(({ path }) => path !== TIME_FROM_TEXT).flatMap(checkTimes),
	];
}

function checkKeys({ path, text }: SourceFile): Complaint[] {
	return [...text.matchAll(KEY_READING)].map(
		({ index }) => `${path}:${lineAt(text, index)}: keys from outside are read by keys/public-key or keys/jwk`,
	);
}

function checkAlgorithms({ path, text }: SourceFile): Complaint[] {
	return [...text.matchAll(ALGORITHM_FACTS)].map(
		({ index }) => `${path}:${lineAt(text, index)}: facts of algorithms stand in core/algorithms`,
	);
}

function checkFiles({ path, text }: SourceFile): Complaint[] {
	return FILE_MAKING.filter(([, , allowedIn]) => !allowedIn.test(path)).flatMap(([call, unless, , why]) =>
		[...text.matchAll(call)]
			.filter(({ index }) => !unless?.test(text.slice(index, text.indexOf(';', index))))
			.map(({ index }) => `${path}:${lineAt(text, index)}: ${why}`),
	);
}

function checkTimes({ path, text }: SourceFile): Complaint[] {
	return text.split('\n').flatMap((line, i) => {
		const made = /\bnew Date\((.+)/.exec(line)?.[1];
		if (!/\bDate\.parse\b/.test(line) && (made === undefined || FROM_NUMBER.test(made))) return [];
		return [`${path}:${i + 1}: a time from text is read by ${TIME_FROM_TEXT}, or a number is called ...Ms`];
	});
}
