/** What `chancery doctor` says of a variant of an instance's configuration, in the process of the test. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DoctorOrder, examine, type Finding } from '../../src/doctor/doctor.ts';
import type { Config, InstanceFolder } from './instance-folder.ts';

export interface Examined {
	readonly findings: readonly Finding[];
	/** Names of the checks with a problem, each once. */
	readonly problems: readonly string[];
	/** `found -> advice` of the first finding of a check that is not ok. */
	said(check: string): string;
}

let variants = 0;

/**
 * @param changes whole sections; the others are those of the folder
 * @param mode of the file
 */
export async function examineVariant(
	{ path, config }: Pick<InstanceFolder, 'path' | 'config'>,
	changes: Config = {},
	order: Partial<DoctorOrder> = {},
	mode = 0o600,
): Promise<Examined> {
	variants++;
	// Relative paths begin at the file, so every variant lies in the folder.
	const configPath = join(path, `variant-${variants}.yaml`);
	await writeFile(configPath, JSON.stringify({ ...config, ...changes }), { mode });
	const findings = await examine({
		configPath,
		services: [],
		isOffline: false,
		identityToken: undefined,
		clock: Date.now,
		fetch,
		onFound: () => undefined,
		...order,
	});
	const bad = findings.filter(({ verdict }) => verdict === 'problem' || verdict === 'warning');
	return {
		findings,
		problems: [...new Set(findings.filter(({ verdict }) => verdict === 'problem').map(({ check }) => check))],
		said: (check) => {
			const found = bad.find((finding) => finding.check === check);
			return found ? `${found.found} -> ${found.advice}` : `nothing about ${check}`;
		},
	};
}
