/**
 * Keys, chains and tokens of an instance. Private keys in files are encrypted; the passphrases of a host lie in its
 * `secrets/`, that of the keyholder in `offline/` or in a file that was named. Keys in tokens are opened, never made.
 *
 * The order is that of what depends on what: passphrases, keys, tokens, chains. Each file appears whole or not at all, so
 * that a crash anywhere leaves a beginning of this list, which the next run opens and goes on from.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createCaChain } from '@chancery/ca/ca-chain';
import { ca } from '@chancery/ca/definition';
import type { KeyDefinition } from '@chancery/chassis/service-definition';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { encodePem, parsePem } from '@chancery/core/pem';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { removeUnfinishedKeys } from '@chancery/keys/file/file-key';
import type { Signer } from '@chancery/keys/signer';
import { makeFolders } from '@chancery/postgres/file-modes';
import { tsa } from '@chancery/tsa/definition';
import { createTsaChain } from '@chancery/tsa/tsa-chain';
import { Refusal } from '../../instance/refusal.ts';
import { LOGS } from '../../services.ts';
import { HOLDER_KEYS, type HolderKeyName, keyFileName } from '../development-keys.ts';
import { openDevelopmentTls } from '../development-tls.ts';
import { type Answers, keyInToken } from './answers.ts';
import { type OpenRequest, openCertification } from './existing-pki.ts';
import { readGivenFile } from './given-file.ts';
import type { InitRecord } from './init-record.ts';
import { type AuthorityName, checkChain } from './issued-chain.ts';
import { type Host, hostOf, type Layout } from './layout.ts';
import { isThere, type Making, openOrMake, openOrMakeKey, openOrMakeSecret } from './made-once.ts';
import { openTokenKey } from './token-key.ts';

/** PEM: the certificate of the signing key first, the root last. */
export type Chains = Readonly<Record<AuthorityName, string>>;

export interface Material {
	/** Empty when the instance is complete: nothing is left that the keyholder would sign here. */
	readonly holders: Holders;
	/** By `service/key`. */
	readonly signers: ReadonlyMap<string, Signer>;
	/** Or what the PKI of the organization has not answered yet. */
	readonly chains: Chains | readonly OpenRequest[];
	readonly tokens: { readonly operator: string; readonly service: string };
}

type Holders = ReadonlyMap<HolderKeyName, Signer>;

/** Keys that lie in tokens, by `service/key` and by the names that the keyholder has for them. */
export type TokenKeys = ReadonlyMap<string, Signer>;

/** Where a file of a host lies below its folder; the configuration names it so. */
export const PLACES = {
	key: (service: string, key: string) => join('keys', keyFileName(service, key)),
	passphrase: (service: string, key: string) =>
		join('secrets', keyFileName(service, key).replace(/\.pem$/, '.passphrase')),
	chain: (name: AuthorityName) => join('chains', `${name}.pem`),
	ctlogKey: join('chains', 'ctlog-public-key.pem'),
	serviceToken: join('secrets', 'tuf-admin-token'),
	signingJwks: join('secrets', 'identity.jwks.json'),
	developmentSecret: join('secrets', 'development-secret'),
	tls: 'tls',
} as const;

/**
 * Opens what the answers name in tokens: each key has to sign once. Nothing is made, so that a wrong URI leaves nothing behind.
 * @throws {KeyError} whose message names the answer; ConfigError when a PIN is not where it should be
 */
export async function openTokenKeys(
	{ hosts }: Layout,
	answers: Answers,
	{ mayMake }: Pick<Making, 'mayMake'>,
): Promise<TokenKeys> {
	const opened = new Map<string, Signer>();
	for (const { name, keys } of hosts.flatMap(({ services }) => services))
		for (const [key, { algorithm, otherAlgorithms = [] }] of Object.entries(keys)) {
			const inToken = keyInToken(answers, name, key);
			if (!inToken) continue;
			const signer = await openTokenKey(`keys.${name}.${key}`, inToken, [algorithm, ...otherAlgorithms]);
			opened.set(`${name}/${key}`, signer);
		}
	for (const name of mayMake ? neededHolderKeys(answers) : []) {
		const signer = await openHolderTokenKey(answers, name);
		if (signer) opened.set(name, signer);
	}
	refuseSharedKeys([...opened]);
	return opened;
}

/**
 * @throws {Refusal} when something is missing of a complete instance, or one key is named for two purposes; KeyError,
 * IssuedChainError, ChainError, AuthorityError
 */
export async function openMaterial(
	layout: Layout,
	answers: Answers,
	record: InitRecord,
	{ nowMs, inTokens, ...making }: Making & { readonly nowMs: number; readonly inTokens: TokenKeys },
): Promise<Material> {
	const holders: Holders = making.mayMake ? await openHolders(layout, answers, inTokens, making) : new Map();
	const signers = new Map<string, Signer>();
	for (const host of layout.hosts) {
		await removeUnfinishedKeys(join(host.folder, 'keys'));
		for (const { name, keys } of host.services)
			for (const [key, definition] of Object.entries(keys)) {
				const inToken = inTokens.get(`${name}/${key}`);
				const signer = inToken ?? (await openServiceKey(host, { service: name, key, definition }, making));
				signers.set(`${name}/${key}`, signer);
			}
	}
	const tokens = {
		operator: await openOrMakeSecret(layout.operatorToken, 'token of the operator for the admin listeners', making),
		service: await openOrMakeSecret(
			join(hostOf(layout, 'tuf').folder, PLACES.serviceToken),
			'token with which tuf asks the other services for their keys',
			making,
		),
	};
	if (answers.developmentTls) await openTls(layout, answers, making);
	if (answers.identity) await openIdentitySecrets(hostOf(layout, 'identity'), answers.identity, making);
	const ctlogKey = join(hostOf(layout, 'ca').folder, PLACES.ctlogKey);
	await openOrMake({ path: ctlogKey, what: 'public key of the CT log', mode: 0o644 }, making, () =>
		encodePem('PUBLIC KEY', required(signers, 'ctlog/signer').publicKey),
	);
	const parts = { layout, answers, record, holders, signers, making, now: new Date(nowMs) };
	const caChain = await openChain('ca', parts);
	const tsaChain = await openChain('tsa', parts);
	const open = [caChain, tsaChain].filter((chain) => typeof chain !== 'string');
	const chains = typeof caChain === 'string' && typeof tsaChain === 'string' ? { ca: caChain, tsa: tsaChain } : open;
	return { holders, signers, chains, tokens };
}

/** Base64 of every key and certificate (DER) that the trusted root may name. */
export function publicMaterial(signers: Material['signers'], chains: Chains): string[] {
	return [
		...LOGS.map(({ service, key }) => required(signers, `${service.name}/${key}`).publicKey.toBase64()),
		...parsePem(chains.ca + chains.tsa).map(({ der }) => der.toBase64()),
	];
}

export function required<Name extends string>(signers: ReadonlyMap<Name, Signer>, name: Name): Signer {
	const found = signers.get(name);
	if (!found) throw new Error(`there is no key ${name}`);
	return found;
}

/** Who signs the root of an authority: its own keyholder, unless a PKI that exists certifies it. */
export function neededHolderKeys({ existingPki }: Answers): HolderKeyName[] {
	const isCertified = (name: HolderKeyName) => existingPki?.certifies.some((authority) => name === `${authority}-root`);
	return (Object.keys(HOLDER_KEYS) as HolderKeyName[]).filter((name) => !isCertified(name));
}

async function openHolders(layout: Layout, answers: Answers, inTokens: TokenKeys, making: Making): Promise<Holders> {
	await removeUnfinishedKeys(layout.offline);
	const opened = new Map<HolderKeyName, Signer>();
	for (const name of neededHolderKeys(answers))
		opened.set(name, inTokens.get(name) ?? (await openHolderFile(layout, answers, name, making)));
	return opened;
}

/** The key of a keyholder, wherever it is. @throws {Refusal} when it is missing; KeyError */
export async function openHolderKey(layout: Layout, answers: Answers, name: HolderKeyName): Promise<Signer> {
	const making = { mayMake: false, onStep: () => undefined };
	return (await openHolderTokenKey(answers, name)) ?? openHolderFile(layout, answers, name, making);
}

async function openHolderTokenKey({ offline }: Answers, name: HolderKeyName): Promise<Signer | undefined> {
	const { algorithm, otherAlgorithms } = HOLDER_KEYS[name];
	const inToken = offline.keys?.[name];
	return inToken && openTokenKey(`offline.keys.${name}`, inToken, [algorithm, ...otherAlgorithms]);
}

async function openHolderFile(layout: Layout, answers: Answers, name: HolderKeyName, making: Making): Promise<Signer> {
	const { algorithm } = HOLDER_KEYS[name];
	const passphrase = await holderPassphrase(layout, answers, making);
	const path = join(layout.offline, `${name}.pem`);
	return openOrMakeKey(path, 'key of the keyholder', { algorithm, passphrase }, making);
}

/** Whoever named a file keeps the passphrase elsewhere; else one is made beside the keys, to be moved apart from them. */
async function holderPassphrase(layout: Layout, answers: Answers, making: Making): Promise<string> {
	const { passphraseFile } = answers.offline;
	if (passphraseFile === undefined)
		return openOrMakeSecret(join(layout.offline, 'passphrase'), 'passphrase of the keyholder', making);
	const text = await readGivenFile(passphraseFile, 'offline.passphraseFile:');
	const passphrase = text.replace(/\r?\n$/, '');
	if (passphrase.length < 12)
		throw new Refusal(`offline.passphraseFile: ${passphraseFile} holds fewer than 12 characters`);
	return passphrase;
}

interface ServiceKey {
	readonly service: string;
	readonly key: string;
	readonly definition: KeyDefinition;
}

async function openServiceKey(
	host: Host,
	{ service, key, definition: { algorithm, purpose } }: ServiceKey,
	making: Making,
): Promise<Signer> {
	const secretFile = join(host.folder, PLACES.passphrase(service, key));
	const passphrase = await openOrMakeSecret(secretFile, `passphrase of the key ${service}.${key}`, making);
	const what = `key ${service}.${key} (${algorithm}): ${purpose}`;
	return openOrMakeKey(join(host.folder, PLACES.key(service, key)), what, { algorithm, passphrase }, making);
}

/** Clients tell services apart by their keys, and a signature of one must never pass for one of another. */
function refuseSharedKeys(keys: readonly (readonly [string, Signer])[]): void {
	const owners = new Map<string, string>();
	for (const [name, { publicKey }] of keys) {
		const id = publicKey.toBase64();
		const other = owners.get(id);
		if (other !== undefined)
			throw new Refusal(`answers: keys: ${other} and ${name} have the same key; each needs one of its own`);
		owners.set(id, name);
	}
}

interface ChainParts extends Pick<Material, 'holders' | 'signers'> {
	readonly layout: Layout;
	readonly answers: Answers;
	readonly record: InitRecord;
	readonly making: Making;
	readonly now: Date;
}

const AUTHORITIES = {
	ca: {
		key: `${ca.name}/issuing`,
		subject: 'CA',
		lifetimes: 'certificates of the CA: root (ten years) and issuing (three years)',
	},
	tsa: {
		key: `${tsa.name}/signer`,
		subject: 'TSA',
		lifetimes: 'certificates of the timestamp authority: root (ten years) and authority (nine years)',
	},
} as const satisfies Record<AuthorityName, object>;

/**
 * Irreversible once the root of trust names it. A crash before the chain is written leaves keys without certificates, for
 * which the next run makes them, or reads again what the PKI has issued.
 */
async function openChain(name: AuthorityName, parts: ChainParts): Promise<string | OpenRequest> {
	const { layout, answers, making } = parts;
	const { key, subject, lifetimes } = AUTHORITIES[name];
	const mark = answers.profile === 'development' ? ' development' : '';
	const commonName = `${answers.organization}${mark} ${subject}`;
	const signer = required(parts.signers, key);
	const path = join(hostOf(layout, name).folder, PLACES.chain(name));
	let make = () => createChain(name, commonName, parts);
	let what: string = lifetimes;
	if (answers.existingPki?.certifies.includes(name) && !(await isThere(path))) {
		const { folder } = layout;
		const { organization, existingPki } = answers;
		const answered = await openCertification(
			{ folder, name, organization, commonName, signer, rootFile: existingPki.rootFile, now: parts.now },
			making,
		);
		if (typeof answered !== 'string') return answered;
		make = async () => answered;
		what = 'certificates that the existing PKI has issued';
	}
	const pem = await openOrMake({ path, what, mode: 0o644 }, making, make);
	// Of an earlier run, it may have been exchanged since, or its key.
	checkChain(name, pem, signer);
	return pem;
}

async function createChain(
	name: AuthorityName,
	commonName: string,
	{ answers: { organization }, record, holders, signers }: ChainParts,
): Promise<string> {
	const rootSigner = required(holders, `${name}-root`);
	const signer = required(signers, AUTHORITIES[name].key);
	const about = {
		organization,
		commonName,
		rootSigner,
		notBefore: parseRfc3339(record.createdAt),
		random: randomBytes,
	};
	if (name === 'tsa') return (await createTsaChain({ ...about, leafSigner: signer })).chainPem;
	const { root, issuing } = await createCaChain({ ...about, issuingSigner: signer });
	return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root);
}

/** For a proxy in front of the services, and for listeners that speak TLS themselves. Its own file says what a crash leaves. */
async function openTls({ folder }: Layout, { urls }: Answers, { onStep }: Making): Promise<void> {
	const place = join(folder, PLACES.tls);
	const [url] = Object.values(urls);
	await makeFolders(place, 0o755);
	onStep(place, 'private TLS authority, and a certificate for the addresses of all services');
	await openDevelopmentTls(place, new URL(url as string).hostname, Date.now());
}

async function openIdentitySecrets(
	{ folder }: Host,
	{ developmentLogin }: NonNullable<Answers['identity']>,
	making: Making,
): Promise<void> {
	const path = join(folder, PLACES.signingJwks);
	await openOrMake({ path, what: 'signing keys of the identity provider', mode: 0o400 }, making, async () =>
		JSON.stringify(await generateSigningJwks()),
	);
	if (!developmentLogin) return;
	const secret = join(folder, PLACES.developmentSecret);
	await openOrMakeSecret(secret, 'secret whose holders sign in as anyone', making);
}
