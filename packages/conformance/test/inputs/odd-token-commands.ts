/** Command lines of `chancery token` that do not lead to a token. */
import { join } from 'node:path';
import type { GoodFiles, OddCommand } from './odd-commands.ts';

/** Where an issuer is asked, nobody listens. */
export function oddTokenCommands(good: GoodFiles): OddCommand[] {
	const nobody = 'http://localhost:1/auth';
	const token = (name: string, code: 1 | 2, words: RegExp, ...args: string[]): OddCommand => ({
		name: `a token ${name}`,
		args: ['token', ...args],
		code,
		words,
		env: { GITHUB_ACTIONS: '', GITLAB_CI: '', BUILDKITE: '', CIRCLECI: '' },
	});
	const none = join(good.folder, 'none');
	return [
		token('of an unknown preset', 2, /Allowed choices are github/, '--preset', 'jenkins'),
		token('of a preset with an address', 2, /exclude each other/, '--preset', 'gitlab', '--email', 'a@b.c'),
		token('of a login of no kind', 2, /Allowed choices are browser/, '--login', 'sms'),
		token('of a login and of development', 2, /--email is of no use with --login/, '--login', '--email', 'a@b.c'),
		token('of a login for somebody', 2, /--audience is of no use/, '--login', '--audience', 'x'),
		token('of two ways', 2, /--exchange is of no use with --login/, '--login', '--exchange'),
		token('of two instances', 2, /exclude each other/, '--login', '--issuer', nobody, '--data', good.data),
		token('of an issuer that is not there', 1, /cannot be used/, '--login', 'browser', '--issuer', nobody),
		token('of a device at no issuer', 1, /cannot be used/, '--login', 'device', '--issuer', nobody),
		token('with a code of no issuer', 1, /no address of an issuer/, '--login', 'code', '--issuer', 'ftp://a'),
		token('of an instance that is not there', 2, /has 'chancery up/, '--login', '--data', none),
		token('of a file that calls itself an issuer', 1, /no address of an issuer/, '--login', '--issuer', good.artifact),
		token('for nothing', 2, /needs one of/, '--exchange', '--issuer', nobody),
		token('for two tokens', 2, /needs one of/, '--exchange', '--ambient', '--subject-token-file', good.artifact),
		token(
			'for a token that is not there',
			1,
			/subject token/,
			'--exchange',
			'--issuer',
			nobody,
			'--subject-token-file',
			none,
		),
		token('for a folder', 1, /folder|directory/, '--exchange', '--issuer', nobody, '--subject-token-file', good.folder),
		token('of no platform', 1, /no platform/, '--ambient'),
		token('of a platform for no exchange', 2, /belongs to --exchange/, '--connector-id', 'x', '--email', 'a@b.c'),
		token('with a secret of nobody', 2, /needs --client-id/, '--client-secret-file', good.artifact),
		token(
			'with a secret that is not there',
			1,
			/secret/,
			'--client-id',
			'x',
			'--issuer',
			nobody,
			'--client-secret-file',
			none,
		),
		token('with an id alone', 2, /--client-id belongs to/, '--client-id', 'x', '--email', 'a@b.c'),
		token('with an empty issuer', 2, /--issuer is empty/, '--login', '--issuer', ''),
	];
}
