/**
 * The house rules that no linter knows: which package may import which, and which names and sizes are not allowed.
 * Run by `npm run check`. The table is the one in docs/architecture.md; a new package needs a row here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const PLATFORM = ['core', 'wire', 'net', 'keys', 'postgres', 'chassis'];
const SERVICES = ['ca', 'log', 'ctlog', 'tsa', 'tuf', 'identity'];
const BELOW_STACK = [...PLATFORM, 'verify', 'tlog', 'client', ...SERVICES];

/** package -> the packages of ours it may import. */
const MAY_IMPORT: Record<string, readonly string[]> = {
	core: [],
	wire: ['core'],
	verify: ['core', 'wire'],
	net: ['core', 'wire'],
	keys: ['core'],
	postgres: ['core'],
	chassis: ['core', 'wire', 'net', 'keys', 'postgres'],
	tlog: ['core', 'keys', 'postgres'],
	client: ['core', 'wire', 'net', 'verify', 'keys'],
	ca: PLATFORM,
	log: [...PLATFORM, 'tlog'],
	ctlog: [...PLATFORM, 'tlog'],
	tsa: PLATFORM,
	tuf: PLATFORM,
	identity: PLATFORM,
	stack: BELOW_STACK,
	cli: ['client', 'verify', 'wire', 'net', 'core', 'keys', 'stack'],
	testkit: BELOW_STACK,
	conformance: [...BELOW_STACK, 'testkit', 'stack', 'cli'],
	bench: [...BELOW_STACK, 'testkit', 'stack', 'cli'],
};

/** Top-level names; nothing else may lie in the root of the repository. */
const TOP_LEVEL = new Set(
	`README.md LICENSE CONTRIBUTING.md CHANGELOG.md SECURITY.md package.json pnpm-workspace.yaml pnpm-lock.yaml
	tsconfig.base.json tsconfig.json biome.json vitest.config.ts docker-compose.yml .ci deploy docs packages
	.gitignore .editorconfig .dockerignore .devcontainer .github`.split(/\s+/),
);

const BANNED_NAMES = new Set(
	'util utils common helper helpers shared misc lib manager base impl types constants index'.split(' '),
);

/** A file with more lines than this has more than one purpose. Tests may be longer: they are tables. */
const MAX_SOURCE_LINES = 400;
const MAX_TEST_LINES = 450;

/** `core` and `verify` are pure: time, randomness and I/O come in as arguments. */
const IMPURE = /\b(Date\.now|Math\.random|process\.|console\.|fetch\()|from 'node:(?!crypto'|assert)/;

/** The one file that may make a `Date` from text: `Date` itself moves 30 February into March. */
const TIME_FROM_TEXT = 'packages/core/src/calendar-time.ts';
/** What `new Date(...)` is given elsewhere: milliseconds, by their name or by how they are reckoned. */
const FROM_NUMBER =
	/^(\w+\.)*(\w*(Ms|_MS)\b|now|clock\(\)|Date\.(now|UTC)\(|next\(\)|0\)|\w+ \* 1000|getTime\(\))|^typeof seconds/;

/** Inside a service, arrows point from routes to domain to store. */
const PART_BANS: readonly (readonly [part: string, forbidden: RegExp, why: string])[] = [
	['routes', /from 'pg'|from '@chancery\/postgres\//, 'routes do not speak SQL: call one domain function'],
	['domain', /from 'fastify'/, 'the domain does not know the HTTP framework'],
	['domain', /from '\.\.\/routes\//, 'the domain does not know the routes'],
	['store', /from '@chancery\/wire\/|from '\.\.\/(routes|domain)\//, 'the store knows neither wire nor rules'],
];

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

/** Errors that steer the flow between two files of one folder, or of a file that runs without any other package. */
const STEERING_ERRORS = /^packages\/(tlog\/src\/sequence\/batch|keys\/src\/pkcs11\/pkcs11-token)\.ts$/;

const problems: string[] = [];
const complain = (file: string, what: string) => problems.push(`${file}: ${what}`);

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
	.split('\n')
	.filter((file) => file !== '' && existsSync(file));

for (const file of files) {
	const [top = ''] = file.split('/');
	if (!TOP_LEVEL.has(top)) complain(file, `'${top}' is not a top-level name of this repository`);
	for (const part of file.split('/')) {
		const name = part.replace(/\.(test\.)?[a-z]+$/, '');
		if (BANNED_NAMES.has(name.toLowerCase())) complain(file, `'${name}' names no purpose; say what it is`);
	}
	if (/^packages\/.*\.ts$/.test(file)) checkSource(file);
}

function checkSource(file: string): void {
	const owner = file.split('/')[1] ?? '';
	const allowed = MAY_IMPORT[owner];
	if (!allowed) {
		complain(file, `package '${owner}' has no row in the import table`);
		return;
	}
	const text = readFileSync(file, 'utf8');
	const isTest = file.endsWith('.test.ts') || file.includes('/test/');

	const lines = text.split('\n').length - 1;
	const limit = isTest ? MAX_TEST_LINES : MAX_SOURCE_LINES;
	if (lines > limit) complain(file, `${lines} lines; ${limit} is the limit`);

	for (const match of text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)) {
		const target = match[1] ?? '';
		const ours = /^@chancery\/([a-z]+)(\/|$)/.exec(target)?.[1];
		if (ours && ours !== owner && !allowed.includes(ours) && !(isTest && ours === 'testkit'))
			complain(file, `'${owner}' may not import '${ours}'`);
		if (ours === 'stack' && owner === 'cli' && !isTest && !text.includes(`import('${target}')`))
			complain(file, `'cli' imports 'stack' only lazily`);
		if (target.startsWith('.')) {
			if (!target.endsWith('.ts') && !target.endsWith('.json')) complain(file, `'${target}' lacks its .ts ending`);
			else if (!join(dirname(file), target).startsWith(`packages/${owner}/`))
				complain(file, `'${target}' leaves the package`);
		}
	}
	if ((owner === 'core' || owner === 'verify') && !isTest) {
		text.split('\n').forEach((line, i) => {
			if (!/^\s*(\*|\/\/|\/\*)/.test(line) && IMPURE.test(line))
				complain(`${file}:${i + 1}`, `'${owner}' is pure: ${line.trim()}`);
		});
	}
	for (const [part, forbidden, why] of PART_BANS)
		if (!isTest && file.includes(`/src/${part}/`) && forbidden.test(text)) complain(file, why);
	const isForWork = isTest || owner === 'testkit' || owner === 'bench' || owner === 'conformance';
	if (!isForWork && !MAY_READ_KEYS.test(file))
		for (const { index } of text.matchAll(KEY_READING))
			complain(
				`${file}:${text.slice(0, index).split('\n').length}`,
				'keys from outside are read by keys/public-key or keys/jwk',
			);
	if (!isForWork)
		for (const [call, unless, allowedIn, why] of FILE_MAKING)
			if (!allowedIn.test(file))
				for (const { index } of text.matchAll(call))
					if (!unless?.test(text.slice(index, text.indexOf(';', index))))
						complain(`${file}:${text.slice(0, index).split('\n').length}`, why);
	if (!isTest && file !== TIME_FROM_TEXT) checkTimes(file, text);
	if (!isTest && /\/\/.*\b(TODO|FIXME|XXX)\b/.test(text)) complain(file, 'unfinished work is an issue, not a comment');
	if (!isTest && !STEERING_ERRORS.test(file) && /^export class \w+ extends Error\b/m.test(text))
		complain(file, 'what others may catch extends ChanceryError (core/chancery-error) and has a stable code');
	if (basename(file) === 'errors.ts' && file.includes('/routes/')) complain(file, 'statuses live in src/errors.ts');
}

function checkTimes(file: string, text: string): void {
	text.split('\n').forEach((line, i) => {
		const made = /\bnew Date\((.+)/.exec(line)?.[1];
		if (/\bDate\.parse\b/.test(line) || (made !== undefined && !FROM_NUMBER.test(made)))
			complain(`${file}:${i + 1}`, `a time from text is read by ${TIME_FROM_TEXT}, or a number is called ...Ms`);
	});
}

if (problems.length > 0) {
	console.error(problems.join('\n'));
	console.error(`house rules: ${problems.length} broken`);
	process.exit(1);
}
console.log(`house rules: ${files.length} files, none broken`);
