/** `chancery log audit`: recomputes a log from its entries to its signed head, and reports every fault with its place. */

import type { LogKey } from '@chancery/client/log-audit/log-key';
import type { AuditReport } from '@chancery/core/log-audit/findings';
import { Command, Option } from 'commander';
import { InputFiles } from '../input-files.ts';
import { type InstanceOptions, instanceOf, withInstanceOptions } from '../instance-option.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { LOG_NAMES, type LogName } from './log-names.ts';

const MAX_KEY_BYTES = 64 * 1024;

interface AuditOptions extends InstanceOptions {
	readonly log?: LogName[];
	readonly url?: string;
	readonly folder?: string;
	readonly key?: string;
	readonly origin?: string;
	readonly json?: boolean;
}

/** What was audited, as it is printed. */
interface NamedReport {
	readonly log: string;
	readonly report: AuditReport;
}

export function logAuditCommand(): Command {
	return withInstanceOptions(new Command('audit'))
		.description('Recomputes a log from its entries to its signed head, and says what is wrong where.')
		.addOption(new Option('--log <names...>', 'of an instance: only these logs').choices(LOG_NAMES))
		.addOption(new Option('--url <url>', 'audit any tile log over HTTP').conflicts(['data', 'config', 'log', 'folder']))
		.addOption(
			new Option('--folder <dir>', 'audit an exported log in a folder').conflicts(['data', 'config', 'log', 'url']),
		)
		.option('--key <key>', "with --url or --folder: the log's verifier key, or a file with it or a PEM public key")
		.option('--origin <origin>', 'with --url or --folder: first line that the checkpoint must have')
		.option('--json', 'print the reports as JSON')
		.addHelpText(
			'after',
			`
Everything is hashed again: entries, tiles of all levels, the root, and the signature on the checkpoint. Of an instance,
stopped or running, also receipts and the mark, in its database, which is only read. Exit codes: 0 nothing is wrong, 1 something is (one line each), 2 wrong usage.

Examples:
  $ chancery log audit --config chancery.yaml
  $ chancery log audit --log v1 v2
  $ chancery log audit --url http://localhost:7404 --key log2.pem
  $ chancery log audit --folder /srv/log2 --key 'log2.example+1a2b3c4d+AQ...'`,
		)
		.action(async (options: AuditOptions) => {
			const reports = await audit(options);
			if (options.json) terminal.json({ correct: reports.every(isCorrect), logs: reports.map(jsonOf) });
			else for (const report of reports) print(report);
			if (!reports.every(isCorrect)) process.exitCode = 1;
		});
}

async function audit(options: AuditOptions): Promise<NamedReport[]> {
	const { url, folder, key, origin, log } = options;
	const place = url ?? folder;
	if (place === undefined) {
		if (key !== undefined || origin !== undefined)
			throw new UsageError('--key and --origin belong to --url or --folder: an instance has its keys');
		const { auditInstance } = await import('@chancery/stack/operate/audit-instance');
		return auditInstance({
			place: instanceOf(options),
			logs: log,
			say: terminal.say,
			onProgress: progress(),
		});
	}
	if (key === undefined) throw new UsageError('--key is needed: without it nobody says whose log this is');
	if (url !== undefined && !/^https?:\/\//.test(url)) throw new UsageError('--url must begin with http:// or https://');
	const [{ folderReader, urlReader }, { auditTileLog }] = await Promise.all([
		import('@chancery/client/log-audit/object-readers'),
		import('@chancery/client/log-audit/tile-log-audit'),
	]);
	const show = progress();
	const report = await auditTileLog({
		read: url === undefined ? folderReader(place) : urlReader(url, fetch),
		key: await readKey(key),
		origin,
		onProgress: (entries, size) => show(place, entries, size),
	});
	return [{ log: place, report }];
}

async function readKey(text: string): Promise<LogKey> {
	const { parseLogKey } = await import('@chancery/client/log-audit/log-key');
	const isKey = text.startsWith('-----BEGIN') || /^[^/]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(text);
	return parseLogKey(isKey ? text : await new InputFiles().readText(text, 'the key of the log', MAX_KEY_BYTES));
}

/** A line every two seconds shows that the audit continues, and how long it will take. */
function progress(): (log: string, entries: number, size: number) => void {
	let saidAt = performance.now();
	return (log, entries, size) => {
		const now = performance.now();
		if (now - saidAt < 2000) return;
		saidAt = now;
		terminal.say(`${log}: ${entries} of ${size} entries (${Math.floor((100 * entries) / size)} %)`);
	};
}

function isCorrect({ report }: NamedReport): boolean {
	return report.count === 0;
}

function print({ log, report }: NamedReport): void {
	const { origin, size, root, findings, count } = report;
	for (const { where, problem } of findings) terminal.data(`${log}: ${where}: ${problem}`);
	if (count > findings.length) terminal.data(`${log}: and ${count - findings.length} more`);
	if (count > 0) terminal.error(`${log}: ${count} ${count === 1 ? 'thing is' : 'things are'} wrong`);
	else terminal.data(`${log}: correct: '${origin}', ${size} entries, root ${root}`);
}

function jsonOf({ log, report }: NamedReport): object {
	const { origin, size, root, findings, count } = report;
	return { log, correct: count === 0, origin, size: size ?? null, root: root ?? null, problems: count, findings };
}
