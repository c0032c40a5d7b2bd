/** `chancery status`: which services answer, and what they say of themselves. */
import { parseRfc3339 } from '@chancery/core/calendar-time';
import type { AskedService } from '@chancery/stack/operate/ask-status';
import type { ServiceStatus } from '@chancery/wire/status';
import { Command } from 'commander';
import { type InstanceOptions, instanceOf, withInstanceOptions } from '../instance-option.ts';
import { terminal } from '../terminal.ts';

export function statusCommand(): Command {
	return withInstanceOptions(new Command('status'))
		.description('Asks each service of an instance whether it is ready, and where it stands.')
		.option('--json', 'print the answers as JSON')
		.addHelpText(
			'after',
			`
Asks /status at the public address of each service, and /readyz where that can be reached from here. No token is needed.
Why a service is not ready, 'chancery doctor' says, and its log.

Exit codes: 0 all are ready, 1 one is not or does not answer, 2 wrong usage.

Examples:
  $ chancery status --config chancery.yaml
  $ chancery status --data ./instance --json`,
		)
		.action(async (options: InstanceOptions & { json?: boolean }) => {
			const { askStatus } = await import('@chancery/stack/operate/ask-status');
			const asked = await askStatus(instanceOf(options), fetch);
			const isReady = asked.every(({ ready }) => ready);
			if (options.json)
				terminal.json({
					ready: isReady,
					services: asked.map(({ status, problem, ...one }) => ({
						...one,
						status: status ?? null,
						problem: problem ?? null,
					})),
				});
			else for (const line of tableOf(asked, Date.now())) terminal.data(line);
			if (!isReady) process.exitCode = 1;
		});
}

/** A column is as wide as its widest cell; the last one is not padded. */
function tableOf(asked: readonly AskedService[], nowMs: number): string[] {
	const rows = [
		['SERVICE', 'ADDRESS', 'READY', 'WHERE IT STANDS'],
		...asked.map(({ name, url, ready, status, problem }) => [
			name,
			url,
			ready ? 'yes' : status ? 'no' : 'no answer',
			status ? wordsOf(status, nowMs) : oneLine(problem ?? ''),
		]),
	];
	const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
	return rows.map((row) =>
		row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join('  ')
			.trimEnd(),
	);
}

function oneLine(text: string): string {
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

function wordsOf(status: ServiceStatus, nowMs: number): string {
	const days = (until: string) => `${Math.floor((parseRfc3339(until).getTime() - nowMs) / 86_400_000)} days`;
	const chain = (certificates: readonly { readonly notAfter: string }[]) =>
		`chain ${days(certificates.map(({ notAfter }) => notAfter).sort()[0] ?? '')}`;
	switch (status.service) {
		case 'log':
		case 'ctlog': {
			const { origin, mode, head } = status;
			const tree = head
				? `${head.treeSize === 1 ? '1 entry' : `${head.treeSize} entries`}, published ${head.ageSeconds} s ago`
				: 'nothing published yet';
			return oneLine(`${tree}; ${origin}${mode === 'development' ? ', development' : ''}`);
		}
		case 'ca': {
			const available = status.issuers.filter((issuer) => issuer.available).length;
			return `${chain(status.chain)}; ${available} of ${status.issuers.length} issuers available`;
		}
		case 'tsa':
			return chain(status.chain);
		case 'tuf':
			return Object.entries(status.roles)
				.map(([role, newest]) => (newest ? `${role} ${newest.version} (${days(newest.expires)})` : `no ${role}`))
				.join(', ');
		case 'identity':
			return oneLine(`${status.issuer}; login: ${status.loginMethods.join(', ') || 'none'}`);
	}
}
