/** `chancery initialize`: from now on trust the instance behind this TUF repository. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { fetchTrust } from '@chancery/client/tuf-client';
import { Command } from 'commander';
import { terminal } from '../terminal.ts';
import { cacheFolderOf, rememberMirror } from '../trust-options.ts';
import { UsageError } from '../usage-error.ts';

export function initializeCommand(): Command {
	return new Command('initialize')
		.description(
			'Trusts an instance from now on: fetches its trusted root through TUF, beginning with a root you have.',
		)
		.requiredOption('--mirror <url>', 'base URL of the TUF repository')
		.requiredOption('--root <file>', 'root.json that you obtained in a way you trust')
		.option('--root-checksum <sha256>', 'refuse another root than the one with this SHA-256 (hex)')
		.option('--json', 'print where the trusted files lie as JSON')
		.addHelpText(
			'after',
			`
Example, with an instance behind a private CA:
  $ SSL_CERT_FILE=tls-ca.pem chancery initialize --mirror https://tuf.corp.example --root root.json`,
		)
		.action(async (options: { mirror: string; root: string; rootChecksum?: string; json?: boolean }) => {
			const mirror = options.mirror.replace(/\/+$/, '');
			const root = await readFile(options.root);
			const checksum = createHash('sha256').update(root).digest('hex');
			if (options.rootChecksum && options.rootChecksum.toLowerCase() !== checksum)
				throw new UsageError(`${options.root} has SHA-256 ${checksum}, not ${options.rootChecksum}`);
			const cacheDir = cacheFolderOf(mirror);
			// A new beginning: what an earlier root led to is not mixed with what this one says.
			await rm(cacheDir, { recursive: true, force: true });
			await mkdir(cacheDir, { recursive: true, mode: 0o700 });
			const { trustedRootPath, signingConfigPath } = await fetchTrust({ mirror, cacheDir, initialRoot: root });
			await rememberMirror(mirror);
			if (options.json) terminal.json({ mirror, trustedRootPath, signingConfigPath });
			else terminal.success(`${mirror} is trusted from now on, beginning with root ${checksum.slice(0, 16)}...`);
		});
}
