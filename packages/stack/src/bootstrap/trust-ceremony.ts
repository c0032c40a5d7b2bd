/**
 * The root ceremony of an instance with one keyholder, whom `up` and `trust publish` play. The root and targets keys are
 * used here and nowhere else; the TUF service receives signatures, never keys.
 *
 * Each publication is one request that the service commits whole. A crash between two of them leaves a repository that
 * says less than it should; the next start finds what is missing and continues there.
 */
import { fromUtf8 } from '@chancery/core/bytes';
import { formatRfc3339Seconds, parseRfc3339 } from '@chancery/core/calendar-time';
import { parseUniqueJson } from '@chancery/core/json';
import type { Signer } from '@chancery/keys/signer';
import { CallError, call } from '@chancery/net/call';
import { targetsMetadata } from '@chancery/tuf/metadata/metadata';
import { parseMetadata, signMetadata } from '@chancery/tuf/metadata/signed-metadata';
import { parseTrustedRoot } from '@chancery/wire/trusted-root';
import { getMetadataFile, proposeTargets, publishRoot, publishTargets } from '@chancery/wire/tuf';
import { Refusal } from '../instance/refusal.ts';

export interface CeremonyInput {
	readonly publicUrl: string;
	readonly adminUrl: string;
	readonly operatorToken: string;
	/** The keyholder's. */
	readonly signers: Readonly<Record<'root' | 'targets', Signer>>;
	/** Asked where nothing is published yet: the signed root, as the service serves it. */
	readonly firstRoot: () => Promise<Uint8Array>;
	/** Base64 of every key and certificate (DER) of this instance: a proposal that names another one is not signed. */
	readonly ownMaterial: ReadonlySet<string>;
	readonly fetch: typeof fetch;
	readonly nowMs: number;
}

const DAY_MS = 86_400_000;
const ROOT_VALID_FOR_DAYS = 365;
/** A root is replaced when less than this is left of it. */
const RENEW_WITHIN_DAYS = 90;
/** The service renews once a minute: a second try meets it by accident, a fifth one never does. */
const MAX_TRIES = 5;

export interface HeldCeremony {
	/** What clients begin with. */
	readonly firstRoot: Uint8Array;
	/** Whether something was published. */
	readonly isChange: boolean;
}

/**
 * Makes the repository say what the services report.
 * @throws {Refusal} when a service reports a key that is none of this instance; CallError
 */
export async function holdTrustCeremony(input: CeremonyInput): Promise<HeldCeremony> {
	const isRootNew = await untilNobodyElsePublishes(() => ensureRoot(input));
	const areTargetsNew = await untilNobodyElsePublishes(() => ensureTargets(input));
	const firstRoot = await readFile(input, '1.root.json');
	if (!firstRoot) throw new Error('the TUF service lost its first root');
	return { firstRoot, isChange: isRootNew || areTargetsNew };
}

/**
 * Runs a step of the ceremony, and looks again when the repository has moved on meanwhile: the service renews its
 * timestamp by itself, and what was signed for the versions before is refused then (409), whole.
 */
async function untilNobodyElsePublishes<T>(step: () => Promise<T>): Promise<T> {
	for (let tries = 1; ; tries++) {
		try {
			return await step();
		} catch (error) {
			if (!(error instanceof CallError && error.status === 409) || tries === MAX_TRIES) throw error;
		}
	}
}

async function ensureRoot(input: CeremonyInput): Promise<boolean> {
	const content = await readFile(input, 'root.json');
	if (!content) {
		const first: unknown = parseUniqueJson(fromUtf8(await input.firstRoot()));
		await call(publishRoot, input.adminUrl, { body: { root: asJson(first) } }, asOperator(input));
		return true;
	}
	const current = parseMetadata(content, 'root').signed;
	if (parseRfc3339(current.expires).getTime() > input.nowMs + RENEW_WITHIN_DAYS * DAY_MS) return false;
	// The same holders and keys: who they are changes by a ceremony of all of them.
	const expires = formatRfc3339Seconds(new Date(input.nowMs + ROOT_VALID_FOR_DAYS * DAY_MS));
	const root = { ...current, version: current.version + 1, expires };
	const signed = await signMetadata(root, [input.signers.root]);
	await call(publishRoot, input.adminUrl, { body: { root: asJson(signed) } }, asOperator(input));
	return true;
}

async function ensureTargets(input: CeremonyInput): Promise<boolean> {
	const { body: proposal } = await call(proposeTargets, input.adminUrl, { body: {} }, asOperator(input));
	if (!proposal.isChange) return false;
	const trustedRoot = proposal.files.find(({ name }) => name === 'trusted_root.json');
	if (trustedRoot) confirm(trustedRoot.content, input.ownMaterial);
	const targets = targetsMetadata.parse(proposal.targets);
	const signed = await signMetadata(targets, [input.signers.targets]);
	const files = proposal.files.map(({ name, content }) => ({ name, content: content.toBase64() }));
	await call(publishTargets, input.adminUrl, { body: { targets: asJson(signed), files } }, asOperator(input));
	return true;
}

/** What a keyholder does by eye: nothing may be trusted that this instance did not make. */
function confirm(trustedRoot: Uint8Array, ownMaterial: ReadonlySet<string>): void {
	const root = parseTrustedRoot(parseUniqueJson(fromUtf8(trustedRoot)));
	const named = [
		...[...root.tlogs, ...root.ctlogs].map(({ publicKey }) => publicKey.rawBytes),
		...[...root.certificateAuthorities, ...root.timestampAuthorities].flatMap(({ certChain }) =>
			certChain.certificates.map(({ rawBytes }) => rawBytes),
		),
	];
	for (const bytes of named) {
		if (!ownMaterial.has(bytes.toBase64()))
			throw new Refusal(
				`a service reported a key or certificate that is none of this instance, and nothing was signed: ${bytes.toHex().slice(0, 64)}...`,
			);
	}
}

async function readFile(input: CeremonyInput, file: string): Promise<Uint8Array | undefined> {
	try {
		return (await call(getMetadataFile, input.publicUrl, { params: { file } }, { fetch: input.fetch })).body;
	} catch (error) {
		if (error instanceof CallError && error.status === 404) return undefined;
		throw error;
	}
}

function asOperator({ operatorToken, fetch }: CeremonyInput) {
	return { fetch, headers: { authorization: `Bearer ${operatorToken}` }, timeoutMs: 30_000 };
}

/** Plain JSON, as it travels. */
function asJson<T>(value: T): { signatures: unknown[]; signed: Record<string, unknown> } {
	return JSON.parse(JSON.stringify(value)) as { signatures: unknown[]; signed: Record<string, unknown> };
}
