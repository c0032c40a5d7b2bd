/** `chancery doctor`: looks at everything that services need, and says what to do. */
import type { Finding } from '@chancery/stack/doctor/doctor';
import { Command } from 'commander';
import { configPath } from '../config-option.ts';
import { InputFiles } from '../input-files.ts';
import { requireServiceNames } from '../service-names.ts';
import { terminal } from '../terminal.ts';

interface DoctorOptions {
	readonly config?: string;
	readonly offline?: boolean;
	readonly identityTokenFile?: string;
	readonly json?: boolean;
}

const MAX_TOKEN_BYTES = 64 * 1024;

export function doctorCommand(): Command {
	return new Command('doctor')
		.description('Looks at everything that services need, running or not, and says what to do.')
		.argument('[services...]', 'identity, ca, log, ctlog, tsa or tuf (default: all that the file has a section for)')
		.option('--config <file>', 'configuration file (default: CHANCERY_CONFIG)')
		.option('--offline', 'call no service and no issuer; the database is asked, and what keeps keys and marks')
		.option('--identity-token-file <file>', 'token that the CA accepts, for a signature end to end')
		.option('--json', 'print the findings as JSON')
		.addHelpText(
			'after',
			`
Looks at the database, its migrations and rights, the clocks, files and their modes, keys and chains, marks, disks, listeners,
certificates, issuers, logs and the root of trust; and where the services run, at one signature end to end, for which a
development login gives the token. That signature stays in the logs; nothing else is changed. Run it as the user of the
services, on their host: what this user may not read or write is a finding.

Each line is ok, skipped, warning or problem. Behind -> stands what to do.

Exit codes: 0 no problem, 1 a problem, or the configuration cannot be read, 2 wrong usage.

Examples:
  $ chancery doctor --config chancery.yaml
  $ chancery doctor log ctlog --config chancery.yaml --offline
  $ chancery doctor --config chancery.yaml --identity-token-file token.jwt --json`,
		)
		.action(async (services: string[], options: DoctorOptions) => {
			requireServiceNames(services);
			const path = configPath(options.config);
			const identityToken = await readToken(options.identityTokenFile);
			const { examine } = await import('@chancery/stack/doctor/doctor');
			const findings = await examine({
				configPath: path,
				services,
				isOffline: options.offline === true,
				identityToken,
				clock: Date.now,
				fetch,
				onFound: options.json ? () => undefined : print,
			});
			const count = (verdict: Finding['verdict']) => findings.filter((finding) => finding.verdict === verdict).length;
			const [problems, warnings] = [count('problem'), count('warning')];
			if (options.json) terminal.json({ problems, warnings, findings: findings.map(jsonOf) });
			else summarize(problems, warnings);
			if (problems > 0) process.exitCode = 1;
		});
}

/** What is no token is refused before anything is looked at. */
async function readToken(file: string | undefined): Promise<string | undefined> {
	if (file === undefined) return undefined;
	const { readIdentityToken } = await import('@chancery/client/identity-token');
	return readIdentityToken(await new InputFiles().readText(file, 'the token', MAX_TOKEN_BYTES)).raw;
}

function print({ verdict, check, found, advice }: Finding): void {
	terminal.data(`${terminal.verdict(verdict)} ${check}: ${found}`);
	if (advice !== undefined) terminal.data(`         -> ${advice}`);
}

function jsonOf({ check, service, verdict, found, advice }: Finding): object {
	return { check, service: service ?? null, verdict, found, advice: advice ?? null };
}

function summarize(problems: number, warnings: number): void {
	const warned = warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
	if (problems === 0) terminal.success(`no problem${warned}`);
	else terminal.say(`${problems} ${problems === 1 ? 'problem' : 'problems'}${warned}`);
}
