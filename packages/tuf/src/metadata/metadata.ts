/**
 * TUF metadata, specification 1.0.31: the four top-level roles as plain data, and builders that write nothing that clients could
 * parse differently (empty optional members, fractions of seconds, several hashes per target).
 */
import { REGISTRY } from '@chancery/core/algorithm-registry';
import { formatRfc3339Seconds, isRfc3339 } from '@chancery/core/calendar-time';
import { z } from 'zod';

export const SPEC_VERSION = '1.0.31';

export const ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type Role = (typeof ROLES)[number];

/** Exactly `YYYY-MM-DDTHH:MM:SSZ`: python-tuf refuses fractions, go-tuf rewrites them and breaks the signature. */
const expires = z
	.string()
	.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
	.refine(isRfc3339, 'is a day or an hour that does not exist');
const version = z
	.int()
	.min(1)
	.max(2 ** 31 - 1);
const keyId = z.string().regex(/^[0-9a-f]{64}$/);
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

const header = { spec_version: z.literal(SPEC_VERSION), version, expires };

const { tuf: ED25519 } = REGISTRY.ed25519;
const { tuf: ECDSA } = REGISTRY['ecdsa-sha2-256-nistp256'];

export const tufKey = z.strictObject({
	keytype: z.enum([ED25519.keytype, ECDSA.keytype]),
	scheme: z.enum([ED25519.scheme, ECDSA.scheme]),
	/** ed25519: 64 hex digits; ecdsa: SPKI PEM. */
	keyval: z.strictObject({
		public: z
			.string()
			.max(1024)
			.regex(/^[\n\x20-\x7e]*$/),
	}),
});

const roleKeys = z.strictObject({ keyids: z.array(keyId).min(1).max(32), threshold: z.int().min(1).max(32) });

export const rootMetadata = z.strictObject({
	_type: z.literal('root'),
	...header,
	consistent_snapshot: z.literal(true),
	keys: z.record(keyId, tufKey),
	roles: z.strictObject({ root: roleKeys, targets: roleKeys, snapshot: roleKeys, timestamp: roleKeys }),
});

/** Read by clients older than the trusted root; newer ones ignore it. */
export const legacyUsage = z.strictObject({
	sigstore: z.strictObject({
		usage: z.enum(['Fulcio', 'Rekor', 'CTFE', 'TSA', 'Unknown']),
		status: z.enum(['Active', 'Expired']),
		/** ASCII: clients normalise other texts in different ways before they verify. */
		uri: z
			.string()
			.max(2048)
			.regex(/^[\x21-\x7e]*$/)
			.optional(),
	}),
});

export const targetName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/);

export const targetDescription = z.strictObject({
	length: z.int().nonnegative(),
	hashes: z.strictObject({ sha256: sha256Hex }),
	custom: legacyUsage.optional(),
});

export const targetsMetadata = z.strictObject({
	_type: z.literal('targets'),
	...header,
	targets: z.record(targetName, targetDescription),
});

export const snapshotMetadata = z.strictObject({
	_type: z.literal('snapshot'),
	...header,
	meta: z.strictObject({ 'targets.json': z.strictObject({ version }) }),
});

export const timestampMetadata = z.strictObject({
	_type: z.literal('timestamp'),
	...header,
	meta: z.strictObject({ 'snapshot.json': z.strictObject({ version }) }),
});

export const METADATA_SCHEMAS = {
	root: rootMetadata,
	targets: targetsMetadata,
	snapshot: snapshotMetadata,
	timestamp: timestampMetadata,
} as const;

export const metadataSignature = z.strictObject({ keyid: keyId, sig: z.string().regex(/^([0-9a-f]{2}){1,512}$/) });

export type TufKey = z.output<typeof tufKey>;
export type RootMetadata = z.output<typeof rootMetadata>;
export type TargetsMetadata = z.output<typeof targetsMetadata>;
export type TargetDescription = z.output<typeof targetDescription>;
export type SnapshotMetadata = z.output<typeof snapshotMetadata>;
export type TimestampMetadata = z.output<typeof timestampMetadata>;
export type MetadataSignature = z.output<typeof metadataSignature>;
export type MetadataOf<R extends Role> = z.output<(typeof METADATA_SCHEMAS)[R]>;

/** A signed file: `signed` and the signatures over its canonical JSON. */
export interface SignedMetadata<Signed> {
	readonly signatures: readonly MetadataSignature[];
	readonly signed: Signed;
}

/** A key together with the id that clients compute for it. */
export interface IdentifiedKey {
	readonly keyId: string;
	readonly key: TufKey;
}

export interface RoleAssignment {
	readonly keys: readonly IdentifiedKey[];
	readonly threshold: number;
}

export function buildRoot(input: {
	readonly version: number;
	readonly expires: Date;
	readonly roles: Readonly<Record<Role, RoleAssignment>>;
}): RootMetadata {
	const keys = Object.values(input.roles).flatMap((role) => role.keys);
	const assigned = (role: Role) => ({
		keyids: input.roles[role].keys.map(({ keyId: id }) => id),
		threshold: input.roles[role].threshold,
	});
	return {
		_type: 'root',
		spec_version: SPEC_VERSION,
		version: input.version,
		expires: formatRfc3339Seconds(input.expires),
		consistent_snapshot: true,
		keys: Object.fromEntries(keys.map(({ keyId: id, key }) => [id, key])),
		roles: {
			root: assigned('root'),
			targets: assigned('targets'),
			snapshot: assigned('snapshot'),
			timestamp: assigned('timestamp'),
		},
	};
}

export function buildTargets(input: {
	readonly version: number;
	readonly expires: Date;
	readonly targets: Readonly<Record<string, TargetDescription>>;
}): TargetsMetadata {
	return {
		_type: 'targets',
		spec_version: SPEC_VERSION,
		version: input.version,
		expires: formatRfc3339Seconds(input.expires),
		targets: { ...input.targets },
	};
}

export function buildSnapshot(input: {
	readonly version: number;
	readonly expires: Date;
	readonly targetsVersion: number;
}): SnapshotMetadata {
	return {
		_type: 'snapshot',
		spec_version: SPEC_VERSION,
		version: input.version,
		expires: formatRfc3339Seconds(input.expires),
		meta: { 'targets.json': { version: input.targetsVersion } },
	};
}

export function buildTimestamp(input: {
	readonly version: number;
	readonly expires: Date;
	readonly snapshotVersion: number;
}): TimestampMetadata {
	return {
		_type: 'timestamp',
		spec_version: SPEC_VERSION,
		version: input.version,
		expires: formatRfc3339Seconds(input.expires),
		meta: { 'snapshot.json': { version: input.snapshotVersion } },
	};
}
