/** `chancery init`: makes an instance. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Answers } from '@chancery/stack/bootstrap/init/answers';
import type { MadeInstance, WaitingInstance } from '@chancery/stack/bootstrap/init/init-instance';
import { Command, Option } from 'commander';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

/** Exit code: nothing is wrong, and somebody else has to do something first (EX_TEMPFAIL). */
const WAITING = 75;
/** Exit code of what somebody has stopped with Ctrl-C: 128 and the number of the signal. */
const CANCELLED = 130;

interface InitOptions {
	readonly answers?: string;
	readonly out?: string;
	readonly dryRun?: boolean;
	readonly example?: 'one-host' | 'separate-hosts' | 'kubernetes' | 'development';
	readonly json?: boolean;
}

export function initCommand(): Command {
	return new Command('init')
		.description('Makes an instance: configuration, keys, certificates, secrets and the first root of trust.')
		.option('--answers <file>', 'what the instance is to be (YAML; see --example)')
		.option('--out <dir>', 'folder that is made; an existing one is empty, or of an earlier run')
		.option('--dry-run', 'print what would be made, and make nothing')
		.addOption(
			new Option('--example <kind>', 'print answers to begin with').choices([
				'one-host',
				'separate-hosts',
				'kubernetes',
				'development',
			]),
		)
		.option('--json', 'print the result as JSON')
		.addHelpText(
			'after',
			`
On a terminal and without --answers, it asks, shows the plan, and writes the answers to a file before it makes anything.

The folder DIR of one host holds chancery.yaml and everything that it names: keys/ (encrypted), secrets/ (their passphrases and
tokens), chains/. For separate hosts each has such a folder, DIR/hosts/NAME. Beside it, for those who run the instance:

  DIR/offline   keys of the roots and of the keyholder, encrypted. Needed for 'chancery trust publish'; else keep them elsewhere
  DIR/operator  token for the admin listeners
  DIR/trust     first root of trust, and its SHA-256: the one thing that users are told

A run that was cut off is continued by the same command. With 'existingPki' the first run leaves requests for certificates
and ends with 75; the next one takes what was issued. An answer that is in certificates or logs already cannot change.

Examples:
  $ chancery init
  $ chancery init --example one-host > answers.yaml
  $ chancery init --answers answers.yaml --out ./instance --dry-run
  $ chancery init --answers answers.yaml --out ./instance
  $ chancery migrate --config ./instance/chancery.yaml
  $ chancery log create --config ./instance/chancery.yaml
  $ chancery serve --config ./instance/chancery.yaml
  $ chancery trust publish --instance ./instance`,
		)
		.action(async (options: InitOptions) => {
			if (options.example !== undefined) {
				const { EXAMPLES } = await import('@chancery/stack/bootstrap/init/example-answers');
				process.stdout.write(EXAMPLES[options.example]);
				return;
			}
			if (options.answers === undefined && isForPeople(options)) return dialogue(options);
			if (options.answers === undefined || options.out === undefined)
				throw new UsageError(
					"--answers FILE and --out DIR are needed where nobody can be asked; 'chancery init --example one-host > answers.yaml' prints answers to begin with",
				);
			const { readAnswers } = await import('@chancery/stack/bootstrap/init/answers');
			await init(await readAnswers(options.answers), resolve(options.out), options);
		});
}

/** Somebody sits there, and no program reads what is printed. */
function isForPeople({ json }: InitOptions): boolean {
	return process.stdin.isTTY === true && process.stdout.isTTY === true && json !== true;
}

/** Nothing is written before the plan was agreed to. */
async function dialogue(options: InitOptions): Promise<void> {
	const [{ askAnswers }, { Cancelled, prompts }] = await Promise.all([
		import('@chancery/stack/bootstrap/init/ask-answers'),
		import('../prompts.ts'),
	]);
	try {
		const given = await askAnswers(prompts);
		const { parseAnswers } = await import('@chancery/stack/bootstrap/init/answers');
		const answers = parseAnswers(given, process.cwd());
		const out =
			options.out ?? (await prompts.text('Folder of the instance', { check: () => undefined, usual: './instance' }));
		const folder = resolve(out);
		prompts.tell('Plan', (await planOf(folder, answers)).join('\n'));
		if (options.dryRun) return;
		const file = await prompts.text('File for these answers, with which this can be repeated', {
			check: (path) => (existsSync(path) ? 'there is such a file; it is left as it is' : undefined),
			usual: './answers.yaml',
		});
		if (!(await prompts.yesNo(`Make the instance in ${folder}?`, true))) throw new Cancelled();
		const { stringify } = await import('yaml');
		// First the answers: a run that is cut off is continued with them.
		await writeFile(file, stringify(given, { lineWidth: 0 }), { flag: 'wx', mode: 0o600 });
		terminal.say(`the same again: chancery init --answers ${file} --out ${out}`);
		await init(answers, folder, options);
	} catch (error) {
		if (!(error instanceof Cancelled)) throw error;
		terminal.say('nothing was made');
		process.exitCode = CANCELLED;
	}
}

async function planOf(folder: string, answers: Answers): Promise<string[]> {
	const { plannedFiles } = await import('@chancery/stack/bootstrap/init/planned-files');
	return plannedFiles(folder, answers).map(({ path, mode, what }) => `${mode}  ${path}  ${what}`);
}

async function init(answers: Answers, folder: string, { dryRun, json }: InitOptions): Promise<void> {
	if (dryRun) {
		const { plannedFiles } = await import('@chancery/stack/bootstrap/init/planned-files');
		if (json) terminal.json({ folder, files: plannedFiles(folder, answers) });
		else for (const line of await planOf(folder, answers)) terminal.data(line);
		return;
	}
	const { initInstance } = await import('@chancery/stack/bootstrap/init/init-instance');
	const onStep = (path: string, what: string) => terminal.say(`${path}  ${what}`);
	const outcome = await initInstance({ folder, answers, nowMs: Date.now(), onStep });
	if (json) terminal.json({ folder, ...outcome });
	if (outcome.state === 'waiting') {
		process.exitCode = WAITING;
		if (!json) terminal.say(waitingFor(outcome));
	} else if (!json) {
		terminal.data(`SHA-256 of the first root: ${outcome.fingerprint}`);
		terminal.say(nextSteps(folder, outcome));
	}
}

function waitingFor({ requests }: WaitingInstance): string {
	const orders = requests.map(
		({ name, request, answer }) => `  ${name}: have ${request} signed, and put what comes back into ${answer}`,
	);
	return `
waiting for certificates of your PKI
${orders.join('\n')}
In each file: the certificate of the request first, then those above it; the root itself may be left out.
Then run the same command again: it checks them, and goes on`;
}

function nextSteps(folder: string, { configurations, offline }: MadeInstance): string {
	const ofEach = configurations.map((config) =>
		['migrate', 'log create', 'serve'].map((command) => `  chancery ${command} --config ${config}\n`).join(''),
	);
	return `
next
${ofEach.join('')}  chancery trust publish --instance ${folder}
then take ${offline} to a place that no server reaches: whoever has it can name other keys to your clients`;
}
