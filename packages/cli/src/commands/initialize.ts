/** `chancery initialize`: from now on trust the instance behind this TUF repository. */
import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { InputFiles } from '../input-files.ts';
import { parseMirror } from '../mirror-address.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { sayWait } from '../waiting.ts';

const MAX_ROOT_BYTES = 1024 * 1024;

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
What was trusted before is replaced only when the new root has led to a complete and valid repository; otherwise it stays.
A repository that is known already cannot go back to an older state.

Example, with an instance behind a private CA:
  $ SSL_CERT_FILE=tls-ca.pem chancery initialize --mirror https://tuf.corp.example --root root.json`,
		)
		.action(async (options: { mirror: string; root: string; rootChecksum?: string; json?: boolean }) => {
			const mirror = parseMirror(options.mirror, '--mirror');
			const root = await new InputFiles().readBytes(options.root, '--root', MAX_ROOT_BYTES);
			const checksum = createHash('sha256').update(root).digest('hex');
			checkChecksum(options.rootChecksum, checksum, options.root);
			const [{ beginTrust }, { rememberMirror, tufSourceOf }] = await Promise.all([
				import('@chancery/client/tuf-client'),
				import('../trust-sources.ts'),
			]);
			const source = { ...(await tufSourceOf(mirror)), initialRoot: root, onWait: sayWait(options.json) };
			const { trustedRootPath, signingConfigPath } = await beginTrust(source);
			await rememberMirror(mirror);
			if (options.json) terminal.json({ mirror, trustedRootPath, signingConfigPath });
			else terminal.success(`${mirror} is trusted from now on, beginning with root ${checksum.slice(0, 16)}...`);
		});
}

function checkChecksum(wanted: string | undefined, found: string, path: string): void {
	if (wanted === undefined) return;
	if (!/^[0-9a-f]{64}$/i.test(wanted))
		throw new UsageError(`--root-checksum is no SHA-256: 64 hexadecimal digits are expected`);
	if (wanted.toLowerCase() !== found) throw new UsageError(`${path} has SHA-256 ${found}, not ${wanted}`);
}
