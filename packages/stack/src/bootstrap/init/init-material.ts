/**
 * Keys, chains and tokens of an instance. Every private key is encrypted; the passphrases of a host lie in its `secrets/`,
 * that of the keyholder in `offline/` or in a file that was named.
 *
 * Each file appears whole or not at all, a passphrase before the key that it opens. A crash between two of them leaves
 * what the next run goes on from: it opens what is there and makes the rest.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createCaChain } from '@chancery/ca/ca-chain';
import { ca } from '@chancery/ca/definition';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { encodePem, parsePem } from '@chancery/core/pem';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { createFileKey, openFileKey } from '@chancery/keys/file/file-key';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { makeFolders, writeDurably } from '@chancery/postgres/file-modes';
import { tsa } from '@chancery/tsa/definition';
import { createTsaChain } from '@chancery/tsa/tsa-chain';
import { Refusal } from '../../instance/refusal.ts';
import { LOGS } from '../../services.ts';
import { HOLDER_KEYS, type HolderKeyName, keyFileName } from '../development-keys.ts';
import { openDevelopmentTls } from '../development-tls.ts';
import type { Answers } from './answers.ts';
import type { InitRecord } from './init-record.ts';
import { type Host, hostOf, type Layout } from './layout.ts';

export interface Material {
	readonly holders: Readonly<Record<HolderKeyName, Signer>>;
	/** By `service/key`. */
	readonly signers: ReadonlyMap<string, Signer>;
	/** PEM: the certificate of the signing key first, the root last. */
	readonly chains: { readonly ca: string; readonly tsa: string };
	readonly tokens: { readonly operator: string; readonly service: string };
}

/** Where a file of a host lies below its folder; the configuration names it so. */
export const PLACES = {
	key: (service: string, key: string) => join('keys', keyFileName(service, key)),
	passphrase: (service: string, key: string) =>
		join('secrets', keyFileName(service, key).replace(/\.pem$/, '.passphrase')),
	chain: (name: 'ca' | 'tsa') => join('chains', `${name}.pem`),
	ctlogKey: join('chains', 'ctlog-public-key.pem'),
	serviceToken: join('secrets', 'tuf-admin-token'),
	signingJwks: join('secrets', 'identity.jwks.json'),
	developmentSecret: join('secrets', 'development-secret'),
	tls: 'tls',
} as const;

/** A step of the work: a file, and what it is. Steps are told before they are done. */
export type OnStep = (path: string, what: string) => void;

export async function openMaterial(
	layout: Layout,
	answers: Answers,
	record: InitRecord,
	onStep: OnStep,
): Promise<Material> {
	const holders = await openHolders(layout, answers, onStep);
	const signers = new Map<string, Signer>();
	for (const host of layout.hosts)
		for (const { name, keys } of host.services)
			for (const [key, { algorithm, purpose }] of Object.entries(keys))
				signers.set(`${name}/${key}`, await openServiceKey(host, { service: name, key, algorithm, purpose }, onStep));
	const chains = await openChains(layout, answers, record, { holders, signers }, onStep);
	const tokens = {
		operator: await secretFile(layout.operatorToken, 'token of the operator for the admin listeners', onStep),
		service: await secretFile(
			join(hostOf(layout, 'tuf').folder, PLACES.serviceToken),
			'token with which tuf asks the other services for their keys',
			onStep,
		),
	};
	if (answers.developmentTls) await openTls(layout, answers, onStep);
	if (answers.identity) await openIdentitySecrets(hostOf(layout, 'identity'), onStep);
	await openOrMake(join(hostOf(layout, 'ca').folder, PLACES.ctlogKey), 'public key of the CT log', 0o644, onStep, () =>
		encodePem('PUBLIC KEY', required(signers, 'ctlog/signer').publicKey),
	);
	return { holders, signers, chains, tokens };
}

/** Base64 of every key and certificate (DER) that the trusted root may name. */
export function publicMaterial({ signers, chains }: Pick<Material, 'signers' | 'chains'>): string[] {
	return [
		...LOGS.map(({ service, key }) => required(signers, `${service.name}/${key}`).publicKey.toBase64()),
		...parsePem(chains.ca + chains.tsa).map(({ der }) => der.toBase64()),
	];
}

export function required(signers: ReadonlyMap<string, Signer>, name: string): Signer {
	const found = signers.get(name);
	if (!found) throw new Error(`there is no key ${name}`);
	return found;
}

async function openHolders(layout: Layout, answers: Answers, onStep: OnStep): Promise<Material['holders']> {
	const passphrase = await holderPassphrase(layout, answers, onStep);
	const opened: Partial<Record<HolderKeyName, Signer>> = {};
	for (const [name, algorithm] of Object.entries(HOLDER_KEYS) as [HolderKeyName, KeyAlgorithm][])
		opened[name] = await openKey(join(layout.offline, `${name}.pem`), algorithm, passphrase, () =>
			onStep(join(layout.offline, `${name}.pem`), 'key of the keyholder'),
		);
	return opened as Material['holders'];
}

/** Whoever named a file keeps the passphrase elsewhere; else one is made beside the keys, to be moved apart from them. */
export async function holderPassphrase(layout: Layout, answers: Answers, onStep: OnStep): Promise<string> {
	const { passphraseFile } = answers.offline;
	if (passphraseFile === undefined)
		return secretFile(join(layout.offline, 'passphrase'), 'passphrase of the keyholder', onStep);
	const text = await readFile(passphraseFile, 'utf8').catch((cause: NodeJS.ErrnoException) => {
		throw new Refusal(`offline.passphraseFile: ${passphraseFile} cannot be read (${cause.code})`, { cause });
	});
	const passphrase = text.replace(/\r?\n$/, '');
	if (passphrase.length < 12)
		throw new Refusal(`offline.passphraseFile: ${passphraseFile} holds fewer than 12 characters`);
	return passphrase;
}

interface ServiceKey {
	readonly service: string;
	readonly key: string;
	readonly algorithm: KeyAlgorithm;
	readonly purpose: string;
}

async function openServiceKey(
	host: Host,
	{ service, key, algorithm, purpose }: ServiceKey,
	onStep: OnStep,
): Promise<Signer> {
	const what = `passphrase of the key ${service}.${key}`;
	const passphrase = await secretFile(join(host.folder, PLACES.passphrase(service, key)), what, onStep);
	const path = join(host.folder, PLACES.key(service, key));
	return openKey(path, algorithm, passphrase, () => onStep(path, `key ${service}.${key} (${algorithm}): ${purpose}`));
}

async function openKey(path: string, algorithm: KeyAlgorithm, passphrase: string, onMake: () => void): Promise<Signer> {
	if (await isThere(path)) return openFileKey(path, { passphrase, requireEncrypted: true });
	onMake();
	await makeFolders(dirname(path), 0o700);
	return createFileKey(path, algorithm, { passphrase });
}

async function openChains(
	layout: Layout,
	{ organization, profile }: Answers,
	{ createdAt }: InitRecord,
	{ holders, signers }: Pick<Material, 'holders' | 'signers'>,
	onStep: OnStep,
): Promise<Material['chains']> {
	const mark = profile === 'development' ? ' development' : '';
	const about = { organization, notBefore: parseRfc3339(createdAt), random: randomBytes };
	const caPem = await openOrMake(
		join(hostOf(layout, 'ca').folder, PLACES.chain('ca')),
		'certificates of the CA: root (ten years) and issuing (three years)',
		0o644,
		onStep,
		async () => {
			const { root, issuing } = await createCaChain({
				...about,
				commonName: `${organization}${mark} CA`,
				rootSigner: holders['ca-root'],
				issuingSigner: required(signers, `${ca.name}/issuing`),
			});
			return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root);
		},
	);
	const tsaPem = await openOrMake(
		join(hostOf(layout, 'tsa').folder, PLACES.chain('tsa')),
		'certificates of the timestamp authority: root (ten years) and authority (nine years)',
		0o644,
		onStep,
		async () => {
			const { chainPem } = await createTsaChain({
				...about,
				commonName: `${organization}${mark} TSA`,
				rootSigner: holders['tsa-root'],
				leafSigner: required(signers, `${tsa.name}/signer`),
			});
			return chainPem;
		},
	);
	return { ca: caPem, tsa: tsaPem };
}

/** For a proxy in front of the services, and for listeners that speak TLS themselves. */
async function openTls({ folder }: Layout, { urls }: Answers, onStep: OnStep): Promise<void> {
	const place = join(folder, PLACES.tls);
	const [url] = Object.values(urls);
	await makeFolders(place, 0o755);
	onStep(place, 'private TLS authority, and a certificate for the addresses of all services');
	await openDevelopmentTls(place, new URL(url as string).hostname, Date.now());
}

async function openIdentitySecrets({ folder }: Host, onStep: OnStep): Promise<void> {
	const path = join(folder, PLACES.signingJwks);
	await openOrMake(path, 'signing keys of the identity provider', 0o400, onStep, async () =>
		JSON.stringify(await generateSigningJwks()),
	);
	await secretFile(join(folder, PLACES.developmentSecret), 'secret whose holders sign in as anyone', onStep);
}

/** 32 random bytes in base64url, made when it is missing; returned without the line end of the file. */
function secretFile(path: string, what: string, onStep: OnStep): Promise<string> {
	return openOrMake(path, what, 0o400, onStep, () => `${randomBytes(32).toString('base64url')}\n`).then((text) =>
		text.trimEnd(),
	);
}

async function openOrMake(
	path: string,
	what: string,
	mode: number,
	onStep: OnStep,
	make: () => string | Promise<string>,
): Promise<string> {
	if (await isThere(path)) return readFile(path, 'utf8');
	onStep(path, what);
	await makeFolders(dirname(path), 0o700);
	const content = await make();
	await writeDurably(path, content, mode);
	return content;
}

async function isThere(path: string): Promise<boolean> {
	try {
		await readFile(path);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT') return false;
		throw new Refusal(`${path} cannot be read (${code})`, { cause: error });
	}
}
