/**
 * Roots that clients have and this database has lost. Clients read the roots one by one, so a lost root must be published again,
 * byte for byte. Otherwise clients that have it can never be updated.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { equalBytes, toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import type { RootMetadata, SignedMetadata } from '../metadata/metadata.ts';
import { encodeMetadata } from '../metadata/signed-metadata.ts';
import type { SeenVersions } from '../store/mark-holder.ts';

/** @throws {DomainError} `lost-root` when clients have seen another root of this version */
export function requireSeenRoot({ roots }: SeenVersions, root: SignedMetadata<RootMetadata>): void {
	const { version } = root.signed;
	const seen = roots.get(version);
	const given = sha256(encodeMetadata(root, 'root'));
	if (seen && !equalBytes(seen, given))
		throw new DomainError(
			'lost-root',
			`clients have seen root ${version} with SHA-256 ${toHex(seen)}, and this one has ${toHex(given)}; publish ${version}.root.json again, byte for byte, as a client or a mirror holds it`,
		);
}

/**
 * Checked before targets are published: an older root may allow keys that the newest one has removed.
 * @throws {DomainError} `lost-root` while a root that clients have seen is missing; `newest` is the newest version here
 */
export function requireNoLostRoot({ roots }: SeenVersions, newest: number): void {
	const seen = Math.max(0, ...roots.keys());
	if (newest < seen)
		throw new DomainError(
			'lost-root',
			`clients have seen root ${seen}, and the newest here is root ${newest}; publish each root after it again, byte for byte, before any targets`,
		);
}
