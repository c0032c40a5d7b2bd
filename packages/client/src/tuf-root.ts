/**
 * A root of a TUF repository, as far as it must be compared with another one. Its signatures are checked here with its own
 * keys. Whether to trust it is decided by the person who gave it, and by tuf-js for the roots after it.
 */
import { Metadata, MetadataKind } from '@tufjs/models';

export interface TufRoot {
	readonly version: number;
	/** Ids of the keys that may sign the next root. */
	readonly keyIds: ReadonlySet<string>;
	/** The signed part in a comparable form: equal for the same content. */
	readonly signed: string;
}

/** Twice the limit of tuf-js for a file from a mirror. */
export const MAX_ROOT_BYTES = 1024 * 1024;

/** @throws {Error} whose message says what is wrong with the root */
export function readRoot(bytes: Uint8Array): TufRoot {
	if (bytes.length > MAX_ROOT_BYTES) throw new Error(`it is longer than ${MAX_ROOT_BYTES} bytes`);
	let json: unknown;
	try {
		json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
	} catch (cause) {
		throw new Error('it is not JSON', { cause });
	}
	const root = Metadata.fromJSON(MetadataKind.Root, json as never);
	root.verifyDelegate(MetadataKind.Root, root);
	const { version, roles } = root.signed;
	return {
		version,
		keyIds: new Set(roles[MetadataKind.Root]?.keyIDs),
		signed: JSON.stringify(root.signed.toJSON()),
	};
}

/**
 * Whether both are roots of one repository. By the rules of TUF, the keys change slowly: each root is signed with keys of the
 * root before. Roots without a common key are treated as two repositories.
 */
export function isSameRepository(one: TufRoot, other: TufRoot): boolean {
	return [...one.keyIds].some((id) => other.keyIds.has(id));
}
