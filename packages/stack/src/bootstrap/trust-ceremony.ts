/**
 * The root ceremony of a development instance: `up` plays every keyholder. The root and targets keys are used here and
 * nowhere else; the TUF service receives signatures, never keys.
 *
 * Each publication is one request that the service commits whole. A crash between two of them leaves a repository that
 * says less than it should; the next start finds what is missing and continues there.
 */
import { fromUtf8 } from '@chancery/core/bytes';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { parseUniqueJson } from '@chancery/core/json';
import type { Signer } from '@chancery/keys/signer';
import { CallError, call } from '@chancery/net/call';
import { buildRoot, type RoleAssignment, targetsMetadata } from '@chancery/tuf/metadata/metadata';
import { parseMetadata, signMetadata } from '@chancery/tuf/metadata/signed-metadata';
import { identifyKey } from '@chancery/tuf/metadata/tuf-keys';
import { parseTrustedRoot } from '@chancery/wire/trusted-root';
import { getMetadataFile, proposeTargets, publishRoot, publishTargets } from '@chancery/wire/tuf';

export interface CeremonyInput {
	readonly publicUrl: string;
	readonly adminUrl: string;
	readonly operatorToken: string;
	/** One for each role: the first two are keyholders', the others those of the service. */
	readonly signers: Readonly<Record<'root' | 'targets' | 'snapshot' | 'timestamp', Signer>>;
	/** Base64 of every key and certificate (DER) that `up` made: a proposal that names another one is not signed. */
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

/** Makes the repository say what the services report. Returns the first root: what clients begin with. */
export async function holdTrustCeremony(input: CeremonyInput): Promise<Uint8Array> {
	await untilNobodyElsePublishes(() => ensureRoot(input));
	await untilNobodyElsePublishes(() => ensureTargets(input));
	const first = await readFile(input, '1.root.json');
	if (!first) throw new Error('the TUF service lost its first root');
	return first;
}

/**
 * Runs a step of the ceremony, and looks again when the repository has moved on meanwhile: the service renews its
 * timestamp by itself, and what was signed for the versions before is refused then (409), whole.
 */
async function untilNobodyElsePublishes(step: () => Promise<void>): Promise<void> {
	for (let tries = 1; ; tries++) {
		try {
			await step();
			return;
		} catch (error) {
			if (!(error instanceof CallError && error.status === 409) || tries === MAX_TRIES) throw error;
		}
	}
}

async function ensureRoot(input: CeremonyInput): Promise<void> {
	const content = await readFile(input, 'root.json');
	const current = content && parseMetadata(content, 'root').signed;
	if (current && parseRfc3339(current.expires).getTime() > input.nowMs + RENEW_WITHIN_DAYS * DAY_MS) return;
	const { signers } = input;
	const root = buildRoot({
		version: (current?.version ?? 0) + 1,
		expires: new Date(input.nowMs + ROOT_VALID_FOR_DAYS * DAY_MS),
		roles: {
			root: soleKey(signers.root),
			targets: soleKey(signers.targets),
			snapshot: soleKey(signers.snapshot),
			timestamp: soleKey(signers.timestamp),
		},
	});
	const signed = await signMetadata(root, [signers.root]);
	await call(publishRoot, input.adminUrl, { body: { root: asJson(signed) } }, asOperator(input));
}

async function ensureTargets(input: CeremonyInput): Promise<void> {
	const { body: proposal } = await call(proposeTargets, input.adminUrl, { body: {} }, asOperator(input));
	if (!proposal.isChange) return;
	const trustedRoot = proposal.files.find(({ name }) => name === 'trusted_root.json');
	if (trustedRoot) confirm(trustedRoot.content, input.ownMaterial);
	const targets = targetsMetadata.parse(proposal.targets);
	const signed = await signMetadata(targets, [input.signers.targets]);
	const files = proposal.files.map(({ name, content }) => ({ name, content: content.toBase64() }));
	await call(publishTargets, input.adminUrl, { body: { targets: asJson(signed), files } }, asOperator(input));
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
		if (!ownMaterial.has(bytes.toBase64())) throw new Error('a service reported a key that this instance did not make');
	}
}

function soleKey(signer: Signer): RoleAssignment {
	return { keys: [identifyKey(signer.publicKey)], threshold: 1 };
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
