/** Command lines that cannot work: every file that a command reads as every odd file, and odd options and surroundings. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OddFiles } from './odd-files.ts';

export interface OddCommand {
	readonly name: string;
	readonly args: readonly string[];
	/** 1 refused or failed, 2 wrong usage. */
	readonly code: 1 | 2 | readonly [1, 2];
	/** What the one line must say. */
	readonly words?: RegExp;
	readonly env?: Readonly<Record<string, string>>;
	readonly stdin?: string;
}

/** What a command needs when nothing about it is odd. */
export interface GoodFiles {
	readonly data: string;
	readonly artifact: string;
	readonly bundle: string;
	readonly statementBundle: string;
	readonly foreignBundle: string;
	readonly trustedRoot: string;
	readonly signingConfig: string;
	readonly root: string;
	readonly mirror: string;
	readonly token: string;
	readonly email: string;
	readonly issuer: string;
	/** An empty folder for what a command may write. */
	readonly folder: string;
}

const EITHER = [1, 2] as const;

export function oddCommands(good: GoodFiles, odd: OddFiles): OddCommand[] {
	return [
		...fileCommands(good, odd),
		...configurationCommands(good, odd),
		...outputCommands(good),
		...digestCommands(good),
		...optionCommands(good),
		...bundleCommands(good),
		...mirrorCommands(good),
		...surroundings(good),
	];
}

const identity = ({ email, issuer }: GoodFiles) => [
	'--certificate-identity',
	email,
	'--certificate-oidc-issuer',
	issuer,
];

function verify(good: GoodFiles, changes: Record<string, string> = {}, artifact = good.artifact): string[] {
	const options = { '--bundle': good.bundle, '--trusted-root': good.trustedRoot, ...changes };
	return ['verify-blob', ...Object.entries(options).flat(), ...identity(good), artifact];
}

function sign(good: GoodFiles, changes: Record<string, string> = {}, artifact = good.artifact): string[] {
	const options = {
		'--bundle': join(good.folder, 'never-written'),
		'--trusted-root': good.trustedRoot,
		'--signing-config': good.signingConfig,
		'--identity-token': good.token,
		...changes,
	};
	return ['sign-blob', ...Object.entries(options).flat(), artifact];
}

const attest = (good: GoodFiles, changes: Record<string, string> = {}) => [
	'attest-blob',
	...sign(good, { '--type': 'https://example.com/t', '--predicate': good.trustedRoot, ...changes }).slice(1),
];
const initialize = (good: GoodFiles, changes: Record<string, string> = {}) => [
	'initialize',
	...Object.entries({ '--mirror': good.mirror, '--root': good.root, ...changes }).flat(),
];
const audit = (changes: Record<string, string>) => ['log', 'audit', ...Object.entries(changes).flat()];

/** Every option that names a file, times every odd file. */
function fileCommands(good: GoodFiles, { readable, unreadable, huge }: OddFiles): OddCommand[] {
	const READERS: readonly (readonly [what: string, command: (path: string) => string[]])[] = [
		['the bundle', (path) => verify(good, { '--bundle': path })],
		['the trusted root', (path) => verify(good, { '--trusted-root': path })],
		['the signing configuration', (path) => sign(good, { '--signing-config': path })],
		['the token', (path) => sign(good, { '--identity-token': path })],
		['the first root', (path) => initialize(good, { '--root': path })],
		['the key', (path) => ['verify-blob', '--bundle', good.bundle, '--data', good.data, '--key', path, good.artifact]],
		['the key of a log', (path) => audit({ '--url': good.mirror, '--key': path })],
	];
	// An artifact and a predicate may be anything that can be read, or any JSON.
	const WITH_REASON: typeof READERS = [
		...READERS,
		['the artifact to sign', (path) => sign(good, {}, path)],
		['the artifact to verify', (path) => verify(good, {}, path)],
		['the predicate', (path) => attest(good, { '--predicate': path })],
	];
	return [
		...READERS.flatMap(([what, command]) =>
			Object.entries({ ...readable, huge }).map(([name, path]) => ({
				name: `${what} is ${JSON.stringify(name)}`,
				args: command(path),
				code: EITHER,
			})),
		),
		...WITH_REASON.flatMap(([what, command]) =>
			Object.entries(unreadable).map(([name, path]) => ({
				name: `${what} is ${name}`,
				args: command(path),
				code: EITHER,
			})),
		),
	];
}

const reason = ['--reason', 'r'];
/** Commands about the instance of a file, or of a data folder. */
const ASKING: readonly (readonly [command: string, args: readonly string[]])[] = [
	['status', ['status']],
	['log audit', ['log', 'audit']],
	['log adopt-head', ['log', 'adopt-head', '--log', 'v1', '--size', '1', ...reason]],
	['log accept-lead', ['log', 'accept-lead', '--log', 'v1', '--time', '2027-03-01T08:00:00Z', ...reason]],
	['tuf adopt-repository', ['tuf', 'adopt-repository', '--timestamp', '1', ...reason]],
];

/** Every command that reads a configuration file, and the options beside it. */
function configurationCommands({ folder, data }: GoodFiles, { readable, unreadable, huge }: OddFiles): OddCommand[] {
	const all = { ...readable, ...unreadable, huge };
	// All read the file by the same function: one command meets every odd file, the others some.
	const some = Object.entries(all).filter(([name]) => ['binary', 'empty', 'missing', 'folder', 'huge'].includes(name));
	const missing = join(folder, 'none.yaml');
	const usage = (name: string, args: readonly string[], words: RegExp): OddCommand => ({ name, args, code: 2, words });
	return [
		...Object.entries(all).map(([name, path]) => ({
			name: `the configuration of doctor is ${JSON.stringify(name)}`,
			args: ['doctor', '--config', path],
			code: EITHER,
		})),
		...ASKING.flatMap(([command, args]) =>
			some.map(([name, path]) => ({
				name: `the configuration of ${command} is ${JSON.stringify(name)}`,
				args: [...args, '--config', path],
				code: EITHER,
			})),
		),
		...Object.entries({ ...unreadable, huge }).map(([name, path]) => ({
			name: `the token of doctor is ${JSON.stringify(name)}`,
			args: ['doctor', '--config', missing, '--identity-token-file', path],
			code: EITHER,
			words: name === 'nothing' ? /is empty/ : /token/,
		})),
		...[['doctor', ['doctor']] as const, ...ASKING].flatMap(([command, args]) => [
			usage(`${command} with an unknown option`, [...args, '--frobnicate'], /unknown option/),
			usage(`${command} without the value of --config`, [...args, '--config'], /argument missing/),
			usage(`${command} with an empty --config`, [...args, '--config', ''], /--config is empty/),
		]),
		...ASKING.map(([command, args]) =>
			usage(`${command} of two instances`, [...args, '--config', missing, '--data', data], /cannot be used with/),
		),
		usage('doctor of an unknown service', ['doctor', 'rekor', '--config', missing], /there is no service 'rekor'/),
		usage('doctor without a configuration', ['doctor'], /give --config FILE or set CHANCERY_CONFIG/),
		usage('doctor without the value of a token', ['doctor', '--config', missing, '--identity-token-file'], /missing/),
		usage('status with an argument', ['status', 'ca', '--config', missing], /too many arguments/),
		{
			name: 'status of a folder that holds no instance',
			args: ['status', '--data', folder],
			code: 1,
			words: /holds no instance/,
		},
		{
			name: 'status of an instance in a file',
			args: ['status', '--data', missing],
			code: 1,
			words: /holds no instance/,
		},
		{
			name: 'doctor of what the environment names',
			args: ['doctor'],
			code: 1,
			words: /none\.yaml cannot be read \(ENOENT\)/,
			env: { CHANCERY_CONFIG: missing },
		},
	];
}

function outputCommands(good: GoodFiles): OddCommand[] {
	const precious = join(good.folder, 'precious');
	writeFileSync(precious, 'precious');
	const output = (path: string, ...more: string[]) => [...sign(good, { '--bundle': path }), ...more];
	return [
		{ name: 'the output is the artifact', args: output(good.artifact), code: 1, words: /never replaced/ },
		{
			name: 'the output is the artifact, by force',
			args: output(good.artifact, '--force'),
			code: 1,
			words: /never repl/,
		},
		{ name: 'the output is the trusted root', args: output(good.trustedRoot, '--force'), code: 1, words: /never repl/ },
		{ name: 'the output is the signing configuration', args: output(good.signingConfig, '--force'), code: 1 },
		{
			name: 'the output is the predicate',
			args: attest(good, { '--bundle': precious, '--predicate': precious }),
			code: EITHER,
		},
		{ name: 'the output is somebody’s file', args: output(precious), code: 1, words: /not a bundle.*--force/ },
		{ name: 'the output is a folder', args: output(good.folder), code: 1, words: /folder/ },
		{ name: 'the output lies nowhere', args: output(join(good.folder, 'none', 'b')), code: 1, words: /folder .*none/ },
		{ name: 'the output cannot be made', args: output('/proc/none'), code: 1 },
		{ name: 'the output may not be made', args: output('/sys/none'), code: 1 },
		{ name: 'the output is full', args: output('/dev/full'), code: 1, words: /full/ },
		{ name: 'the output is nothing', args: output(''), code: 2, words: /--bundle is empty/ },
		{ name: 'the output and --json are one', args: output('-', '--json'), code: 2, words: /exclude each other/ },
	];
}

function digestCommands(good: GoodFiles): OddCommand[] {
	const hex = createHash('sha256').update('other').digest('hex');
	const of = (digest: string, code: OddCommand['code'], words: RegExp): OddCommand => ({
		name: `the artifact is ${JSON.stringify(digest.slice(0, 40))}`,
		args: verify(good, {}, digest),
		code,
		words,
	});
	return [
		of(`sha256:${hex}`, 1, /another artifact/),
		of(`sha256:${hex.toUpperCase()}`, 1, /another artifact/),
		of(`SHA256:${hex}`, 1, /another artifact/),
		of(`sha256:${hex.slice(1)}`, 2, /64 hexadecimal digits/),
		of(`sha256:${hex}0`, 2, /64 hexadecimal digits/),
		of(`sha256:${hex.slice(1)}g`, 2, /64 hexadecimal digits/),
		of('sha256:', 2, /64 hexadecimal digits/),
		of(`sha256:${hex}\n`, 2, /64 hexadecimal digits/),
		of(`sha384:${hex}`, 2, /96 hexadecimal digits/),
		of(`sha512:${hex}${hex}`, 1, /another kind of digest/),
		of(`sha1:${hex.slice(24)}`, 1, /does not exist/),
		of(hex, 1, /does not exist/),
	];
}

function optionCommands(good: GoodFiles): OddCommand[] {
	const usage = (name: string, args: readonly string[], words?: RegExp): OddCommand => ({
		name,
		args,
		code: 2,
		...(words ? { words } : {}),
	});
	const without = (args: readonly string[], option: string) => args.toSpliced(args.indexOf(option), 2);
	const changed = (args: readonly string[], option: string, value: string) =>
		args.with(args.indexOf(option) + 1, value);
	const COMMANDS = { sign: sign(good), verify: verify(good), attest: attest(good), initialize: initialize(good) };
	const named = Object.entries(COMMANDS).flatMap(([command, args]) =>
		args
			.filter((arg) => arg.startsWith('--'))
			.flatMap((option) => [
				usage(`${command} with an empty ${option}`, changed(args, option, ''), /is empty|give /),
				...(option === '--identity-token'
					? []
					: [{ ...usage(`${command} without ${option}`, without(args, option)), code: EITHER }]),
			]),
	);
	return [
		...named,
		usage('an unknown command', ['frobnicate'], /unknown command/),
		usage('a misspelt command', ['sign-blop', 'x'], /unknown command.*sign-blob/),
		usage('an unknown option', [...verify(good), '--insecure-ignore-tlog'], /unknown option/),
		usage('a misspelt option', [...verify(good), '--bundel', 'x'], /unknown option.*--bundle/),
		usage('two artifacts', [...verify(good), 'second'], /too many arguments/),
		usage('no artifact', verify(good).slice(0, -1), /missing required argument/),
		usage('an option without its value', ['verify-blob', 'x', '--bundle'], /argument missing/),
		usage('a pattern that is none', [...verify(good), '--certificate-identity-regexp', '('], /exclude each other/),
		usage(
			'a token of two files',
			sign(good, { '--identity-token': '-' }, '-'),
			/standard input cannot be|neither a JWT/,
		),
		usage('an unknown log', [...sign(good), '--rekor-version', '3'], /Allowed choices are 1, 2/),
		usage('claims that are no JSON', ['token', '--data', good.data, '--claims', '{'], /not JSON/),
		usage('claims that are a list', ['token', '--data', good.data, '--claims', '[]'], /not a JSON object/),
		usage('a token for nobody', ['token', '--data', good.data], /--email/),
		usage('a port that is none', ['up', '--data', join(good.folder, 'up'), '--port-base', 'x'], /port number/),
		usage('a port for root', ['up', '--data', join(good.folder, 'up'), '--port-base', '80'], /port number/),
		usage('half of a certificate', ['up', '--data', join(good.folder, 'up'), '--tls-key', 'x'], /together/),
		usage('an audit of two things', ['log', 'audit', '--url', 'http://a', '--folder', 'b'], /cannot be used/),
		usage('an audit without a key', audit({ '--url': good.mirror }), /--key is needed/),
		usage('an audit over ftp', audit({ '--url': 'ftp://a', '--key': 'k' }), /http/),
		usage('an adopted size that is none', ['log', 'adopt-head', '--log', 'v1', '--size', '-1', '--reason', 'r']),
	];
}

function bundleCommands(good: GoodFiles): OddCommand[] {
	const refused = (name: string, args: readonly string[], words: RegExp): OddCommand => ({
		name,
		args,
		code: 1,
		words,
	});
	const statement = ['verify-blob-attestation', ...verify(good, { '--bundle': good.statementBundle }).slice(1)];
	return [
		refused(
			'a statement for a signature',
			verify(good, { '--bundle': good.statementBundle }),
			/verify-blob-attestation/,
		),
		refused('a signature for a statement', ['verify-blob-attestation', ...verify(good).slice(1)], /use verify-blob/),
		refused(
			'a statement of another type',
			[...statement, '--type', 'https://example.com/other'],
			/another predicate type/,
		),
		refused(
			'a bundle of another instance',
			verify(good, { '--bundle': good.foreignBundle }),
			/not in the trusted root|somebody else|no trusted CA/,
		),
		refused('another artifact', verify(good, {}, good.trustedRoot), /another artifact/),
		{ ...refused('nothing on standard input', verify(good, {}, '-'), /another artifact/), stdin: '' },
		{ ...refused('other standard input', verify(good, {}, '-'), /another artifact/), stdin: 'other' },
		{
			...refused('a bundle on standard input that is none', verify(good, { '--bundle': '-' }), /not JSON/),
			stdin: 'x',
		},
		{
			...refused('a bundle with a member twice', verify(good, { '--bundle': '-' }), /"mediaType" stands twice/),
			stdin: readFileSync(good.bundle, 'utf8').replace('{', '{"mediaType":"x",'),
		},
	];
}

function mirrorCommands(good: GoodFiles): OddCommand[] {
	const NO_ADDRESS = [
		'..',
		'.',
		'/',
		'../..',
		'%2e%2e',
		'file:///etc',
		'ftp://a',
		'http:',
		'http://',
		'https:a',
		'\\\\a',
		' ',
		'a\nb',
	];
	const UNREACHABLE = [
		'https://..',
		'http://../',
		'http://127.0.0.1:1/../..',
		'http://127.0.0.1:1/%2e%2e/%2e%2e',
		`http://127.0.0.1:1/${'x'.repeat(900)}`,
	];
	return [
		...NO_ADDRESS.map(
			(mirror): OddCommand => ({
				name: `the mirror is ${JSON.stringify(mirror)}`,
				args: initialize(good, { '--mirror': mirror }),
				code: 2,
				words: /no address/,
			}),
		),
		...UNREACHABLE.map(
			(mirror): OddCommand => ({
				name: `the mirror is ${JSON.stringify(mirror.slice(0, 60))}`,
				args: initialize(good, { '--mirror': mirror }),
				code: 1,
				words: /gave no trusted root/,
			}),
		),
		{ name: 'the mirror has a password', args: initialize(good, { '--mirror': 'http://u:p@a' }), code: 2 },
		{ name: 'the mirror has a query', args: initialize(good, { '--mirror': 'http://a/?x' }), code: 2 },
		{ name: 'the checksum is none', args: initialize(good, { '--root-checksum': 'x' }), code: 2, words: /64 hex/ },
		{ name: 'the checksum is another', args: initialize(good, { '--root-checksum': '0'.repeat(64) }), code: 2 },
	];
}

function surroundings(good: GoodFiles): OddCommand[] {
	const unknown = ['verify-blob', '--bundle', good.bundle, ...identity(good), good.artifact];
	const env = (
		name: string,
		args: readonly string[],
		variables: Record<string, string>,
		words: RegExp,
	): OddCommand => ({
		name,
		args,
		code: EITHER,
		words,
		env: variables,
	});
	const withoutToken = sign(good).toSpliced(sign(good).indexOf('--identity-token'), 2);
	return [
		env('nothing to trust', unknown, { TUF_ROOT: join(good.folder, 'tuf-none') }, /nothing says whom to trust/),
		env('trust below a file', unknown, { TUF_ROOT: join(good.artifact, 'x') }, /a part of its path is a file/),
		env('trust that cannot be kept', initialize(good), { TUF_ROOT: '/sys/none' }, /cannot be read or kept .*TUF_ROOT/),
		env('trust in a file', initialize(good), { TUF_ROOT: good.artifact }, /cannot be read or kept .*TUF_ROOT/),
		env('a root that is not there', unknown, { SIGSTORE_ROOT_FILE: '/none' }, /does not exist/),
		env('no token', withoutToken, { SIGSTORE_ID_TOKEN: '' }, /SIGSTORE_ID_TOKEN/),
		env('a token that is none', withoutToken, { SIGSTORE_ID_TOKEN: 'a b' }, /neither a JWT/),
		env('a token of three words', withoutToken, { SIGSTORE_ID_TOKEN: 'a.b.c' }, /token cannot be used/),
		env('authorities that are not there', sign(good), { SSL_CERT_FILE: '/none' }, /SSL_CERT_FILE/),
		env('authorities that are none', sign(good), { SSL_CERT_FILE: good.artifact }, /no PEM certificate/),
		env('TLS without checks', sign(good), { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /refused/),
		env('an instance that is not there', ['token', '--data', '/none', '--email', 'a@b.c'], {}, /holds no instance/),
		env('an instance in a file', ['token', '--data', good.artifact, '--email', 'a@b.c'], {}, /./),
		env('an instance in the kernel', ['up', '--data', '/sys/none', '--once'], {}, /data folder/),
		env(
			'an instance to sign with that is not there',
			[...withoutToken.slice(0, 3), '--identity-token', good.token, '--data', '/none', good.artifact],
			{},
			/has 'chancery up/,
		),
		env('no home', unknown, { HOME: '', XDG_DATA_HOME: '' }, /./),
	];
}
