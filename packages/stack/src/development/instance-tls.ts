/**
 * The certificate that the services of an instance show, and the authority behind it: for this process, which calls
 * them like any client, and as a file for everybody else.
 */
import { readFile, rm } from 'node:fs/promises';
import { secret } from '@chancery/chassis/config/secret';
import type { TlsFiles } from '@chancery/chassis/config/tls-section';
import type { Logger } from '@chancery/chassis/logger';
import { openTlsPair } from '@chancery/chassis/tls/tls-pair';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { writeDurably } from '@chancery/postgres/file-modes';
import { openDevelopmentTls } from '../bootstrap/development-tls.ts';
import type { DataFolder } from '../instance/data-folder.ts';
import type { TlsChoice } from '../instance/instance-record.ts';
import { Refusal } from '../instance/refusal.ts';

export interface InstanceTls {
	readonly files: TlsFiles;
	/** Path of the authority's certificate for clients; undefined where they are expected to have it. */
	readonly tlsCa: string | undefined;
}

const LOOK_EVERY_MS = 3_600_000;

/**
 * Whether a certificate of the user can be used here, asked before anything is decided or made.
 * @throws {Refusal} when it is not for the host of the instance; ConfigError when a file cannot be used
 */
export async function checkTlsChoice(choice: TlsChoice, hostName: string): Promise<void> {
	if (choice.from === 'files') await checkTlsFiles(filesOfUser(choice), hostName);
}

async function checkTlsFiles(files: TlsFiles, hostName: string): Promise<void> {
	const { leaf } = await openTlsPair(files, Date.now());
	if (leaf.checkHost(hostName)) return;
	const names = leaf.subjectAltName ?? 'no name';
	throw new Refusal(
		`the certificate in ${files.certificateFile} is for ${names} and not for ${hostName}, where the services of this instance are`,
	);
}

/**
 * Makes or opens the certificate, and trusts its authority in this process.
 * @throws {Refusal} when it is not for the host of the instance; ConfigError or TlsTrustError when a file cannot be used
 */
export async function openInstanceTls(folder: DataFolder, choice: TlsChoice, hostName: string): Promise<InstanceTls> {
	const { files, authority } = await filesOf(folder, choice, hostName);
	await checkTlsFiles(files, hostName);
	if (authority === undefined) {
		// That of an earlier start would be trusted by whoever finds it here.
		await rm(folder.tlsCa, { force: true });
		return { files, tlsCa: undefined };
	}
	trustAuthorityFile(authority.path, authority.namedBy);
	await writeDurably(folder.tlsCa, await readFile(authority.path), 0o644);
	return { files, tlsCa: folder.tlsCa };
}

/**
 * Renews a certificate of our own making in a run that lasts for months; the listeners take it up by themselves. Files
 * of the user are his to renew. Returns what ends it.
 */
export function keepTlsRenewed(folder: DataFolder, choice: TlsChoice, hostName: string, logger: Logger): () => void {
	if (choice.from !== 'development') return () => undefined;
	const timer = setInterval(() => {
		openDevelopmentTls(folder.keys, hostName, Date.now()).catch((error: unknown) =>
			logger.error({ err: error }, 'the TLS certificate could not be renewed; it will be tried again'),
		);
	}, LOOK_EVERY_MS);
	timer.unref();
	return () => clearInterval(timer);
}

function filesOfUser({ certificateFile, keyFile, passphraseFile }: Extract<TlsChoice, { from: 'files' }>): TlsFiles {
	if (passphraseFile === undefined) return { certificateFile, keyFile };
	const passphrase = secret().safeParse({ file: passphraseFile });
	if (passphrase.success) return { certificateFile, keyFile, passphrase: passphrase.data };
	throw new Refusal(`--tls-key-passphrase: ${passphrase.error.issues[0]?.message}`);
}

interface ChosenFiles {
	readonly files: TlsFiles;
	readonly authority: { readonly path: string; readonly namedBy: string } | undefined;
}

async function filesOf(folder: DataFolder, choice: TlsChoice, hostName: string): Promise<ChosenFiles> {
	if (choice.from === 'files') {
		const { caFile } = choice;
		return {
			files: filesOfUser(choice),
			authority: caFile === undefined ? undefined : { path: caFile, namedBy: '--tls-ca' },
		};
	}
	const { certificateFile, keyFile, authorityFile } = await openDevelopmentTls(folder.keys, hostName, Date.now());
	return { files: { certificateFile, keyFile }, authority: { path: authorityFile, namedBy: folder.path } };
}
