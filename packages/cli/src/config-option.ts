/** `--config`: the file that services are configured by. */
import { UsageError } from './usage-error.ts';

/** @throws {UsageError} when neither option nor environment names one */
export function configPath(option: string | undefined): string {
	const path = option ?? process.env.CHANCERY_CONFIG;
	if (path === undefined || path === '')
		throw new UsageError('no configuration: give --config FILE or set CHANCERY_CONFIG');
	return path;
}
