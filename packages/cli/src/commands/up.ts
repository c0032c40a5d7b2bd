/** `chancery up`: a whole development instance in one process. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { defaultDataFolder } from '../default-folders.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

export function upCommand(): Command {
	return new Command('up')
		.description('Runs every service on this machine, with an embedded database, development keys and a TUF root.')
		.option('--data <dir>', 'folder for keys, database and logs', defaultDataFolder())
		.option('--port-base <n>', 'first of ten ports on loopback (default 7400, or what the folder was made with)', port)
		.option(
			'--host <name>',
			'host name in every address and log origin (default localhost, or what the folder was made with)',
		)
		.option('--listen <address>', 'serve beyond loopback: an address of this machine, or 0.0.0.0 for all')
		.option('--tls', 'serve over TLS, with a certificate from a private CA that is made in the data folder')
		.option('--no-tls', 'serve plain HTTP (what a new folder does by itself)')
		.option('--tls-cert <file>', 'serve over TLS with this certificate for localhost, and its intermediates (PEM)')
		.option('--tls-key <file>', 'private key of that certificate (PEM), mode 0600')
		.option('--tls-key-passphrase <file>', 'file with the passphrase of that key, where it is encrypted')
		.option('--tls-ca <file>', 'root of that certificate (PEM), where clients do not have it by themselves')
		.option('--reinstate-root', 'have the CT log accept the root of the CA again, which was retired there')
		.option('--once', 'stop with exit code 0 after the self-test')
		.option('--json', 'print instance.json as one line instead of instructions')
		.addHelpText(
			'after',
			`
Host, ports and the choice about TLS are part of every address of an instance: a folder keeps those it was made with,
and later starts need no option for them. The host must lead to this machine; logs have it as their origin, so that
witnesses and monitors can tell instances apart. Clients of an instance with --tls trust DIR/trust/tls-ca.pem (SSL_CERT_FILE or
NODE_EXTRA_CA_CERTS; it is printed which).

With --listen, other machines reach the instance. Whoever signs in by the login page must then type the secret of the
instance (secrets.developmentToken in DIR/chancery.json). --listen is not kept: later starts say it again.

The data folder is new, empty, or that of an instance; others are refused. Started by root, the database runs as an
account of its own, which is made for it (chancery-db1, ...) or which CHANCERY_DATABASE_USER names.

Examples:
  $ chancery up
  $ chancery up --data ./instance --port-base 7500
  $ chancery up --data ./over-tls --port-base 7600 --tls
  $ chancery up --data ./mine --port-base 7700 --tls-cert chain.pem --tls-key key.pem --tls-ca root.pem
  $ chancery up --data ./team --host sign.example.com --listen 0.0.0.0 --tls
  $ chancery up --data "$(mktemp -d)" --once`,
		)
		.action(async (options: UpCommandOptions) => {
			const tls = tlsChoice(options);
			// Loaded only here, so that other commands do not load the services.
			const { up } = await import('@chancery/stack/up/up');
			process.exitCode = await up({
				data: options.data,
				...(options.portBase === undefined ? {} : { portBase: options.portBase }),
				...(options.host === undefined ? {} : { host: options.host }),
				...(options.listen === undefined ? {} : { listen: options.listen }),
				...(tls === undefined ? {} : { tls }),
				reinstateRoot: options.reinstateRoot === true,
				isOnce: options.once === true,
				isJson: options.json === true,
				output: terminal,
			});
		});
}

interface UpCommandOptions {
	readonly data: string;
	readonly portBase?: number;
	readonly host?: string;
	readonly listen?: string;
	/** False: --no-tls. */
	readonly tls?: boolean;
	readonly tlsCert?: string;
	readonly tlsKey?: string;
	readonly tlsKeyPassphrase?: string;
	readonly tlsCa?: string;
	readonly reinstateRoot?: boolean;
	readonly once?: boolean;
	readonly json?: boolean;
}

/** @throws {UsageError} when options are missing, or contradict each other */
function tlsChoice({ tls, tlsCert, tlsKey, tlsKeyPassphrase, tlsCa }: UpCommandOptions) {
	const files = [tlsCert, tlsKey, tlsKeyPassphrase, tlsCa].some((file) => file !== undefined);
	if (!files) return tls === undefined ? undefined : tls ? ({ from: 'development' } as const) : 'none';
	if (tls === false) throw new UsageError('--no-tls and a certificate exclude each other');
	if (tlsCert === undefined || tlsKey === undefined)
		throw new UsageError(
			'--tls-cert and --tls-key are given together; the other options about a certificate belong to them',
		);
	return {
		from: 'files',
		certificateFile: resolve(tlsCert),
		keyFile: resolve(tlsKey),
		...(tlsKeyPassphrase === undefined ? {} : { passphraseFile: resolve(tlsKeyPassphrase) }),
		...(tlsCa === undefined ? {} : { caFile: resolve(tlsCa) }),
	} as const;
}

/** The lowest of ten ports that an ordinary user may open. */
function port(text: string): number {
	if (!/^[0-9]{4,5}$/.test(text) || Number(text) < 1024 || Number(text) > 65526)
		throw new InvalidArgumentError('expected a port number from 1024 to 65526.');
	return Number(text);
}
