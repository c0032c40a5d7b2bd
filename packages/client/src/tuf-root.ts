/**
 * A root of a TUF repository, as far as it has to be compared with another one. Its signatures are checked here against
 * its own keys; whether it is to be trusted is for the person who gave it, and for tuf-js on the way from it.
 */
import { Metadata, MetadataKind } from '@tufjs/models';

export interface TufRoot {
	readonly version: number;
	/** Ids of the keys that may sign the next root. */
	readonly keyIds: ReadonlySet<string>;
	/** The signed part, comparable: equal for the same content. */
	readonly signed: string;
}

/** Twice what tuf-js takes from a mirror. */
export const MAX_ROOT_BYTES = 1024 * 1024;

/** @throws an error that says what is wrong with it */
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
 * Whether both are roots of one repository. Their key sets change slowly, by the rules of TUF: each root is signed by
 * the keys of the one before. Roots without a common key are taken for two repositories.
 */
export function isSameRepository(one: TufRoot, other: TufRoot): boolean {
	return [...one.keyIds].some((id) => other.keyIds.has(id));
}
