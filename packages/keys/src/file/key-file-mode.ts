/** Who may read a file with a private key. */
import type { Stats } from 'node:fs';

const GROUP_AND_OTHERS = 0o077;
/**
 * What an orchestrator mounts belongs to root, and the group is how the service may read it: systemd's credentials are
 * 0440, secrets of Kubernetes with an fsGroup too.
 */
const OTHERS_AND_GROUP_WRITE = 0o037;

/** The mode in octal when others than its owner (for a file of root: and its group) can use or replace it; else undefined. */
export function openToOthers({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): string | undefined {
	const forbidden = uid === 0 ? OTHERS_AND_GROUP_WRITE : GROUP_AND_OTHERS;
	return (mode & forbidden) === 0 ? undefined : (mode & 0o777).toString(8).padStart(4, '0');
}
