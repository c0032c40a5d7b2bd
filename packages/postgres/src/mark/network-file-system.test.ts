import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openFileMark } from './file-mark.ts';
import { MarkPlaceError } from './mark.ts';
import { fuseNameOf, networkFileSystemOf } from './network-file-system.ts';

vi.mock('node:fs/promises', async (original) => {
	const real = await original<typeof import('node:fs/promises')>();
	return { ...real, statfs: vi.fn(real.statfs) };
});
afterEach(() => vi.mocked(statfs).mockClear());

/** What the kernel answers for a folder on such a file system, the next time it is asked. */
function lieOn(type: number): void {
	vi.mocked(statfs).mockResolvedValueOnce({ type } as Awaited<ReturnType<typeof statfs>>);
}

const MOUNTS = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:40 / /var/lib rw shared:1 - fuse.virtiofs host rw
41 40 0:41 / /var/lib/chancery/marks rw - fuse.glusterfs server:/volume rw
42 27 0:42 / /mnt/with\\040space rw - fuse.sshfs user@server:/ rw
43 27 0:43 / /mnt/hidden rw - fuse.sshfs user@server:/ rw
44 27 0:44 / /mnt/hidden rw - fuse.fuse-overlayfs overlay rw
`;

it.each([
	['/var/lib/chancery/marks', 'fuse.glusterfs'],
	['/var/lib/chancery/marks/v1', 'fuse.glusterfs'],
	['/var/lib/chancery/marks2', undefined],
	['/mnt/with space/a', 'fuse.sshfs'],
	['/mnt/hidden/a', undefined],
	['/home', undefined],
])('%s lies on %s', (path, name) => {
	expect(fuseNameOf(path, MOUNTS)).toBe(name);
});

it('takes the disk of this machine for one of this machine', async () => {
	expect(await networkFileSystemOf(import.meta.dirname)).toBeUndefined();
});

describe('on a file system that the kernel calls', () => {
	it.each([
		[0x6969, 'NFS'],
		[0xff534d42, 'SMB'],
		// As a machine of 32 bits has it.
		[0xff534d42 | 0, 'SMB'],
		[0xfe534d42, 'SMB'],
		[0x00c36400, 'CephFS'],
		[0x0bd00bd0, 'Lustre'],
		[0x47504653, 'GPFS'],
		[0x01161970, 'GFS2'],
	])('%i, a mark is refused as being on %s, and nothing of it is left there', async (type, name) => {
		const folder = await mkdtemp(join(tmpdir(), 'network-'));
		const mark = openFileMark(join(folder, 'mark.json'));
		lieOn(type);
		const refused = mark.read();
		await expect(refused).rejects.toBeInstanceOf(MarkPlaceError);
		await expect(refused).rejects.toThrow(
			new RegExp(`would lie on ${name}, whose locks .* markDatabase or markBucket`),
		);
		await expect(rm(join(folder, 'mark.json.lock'))).rejects.toMatchObject({ code: 'ENOENT' });
		await rm(folder, { recursive: true });
	});

	it.each([
		[0xef53, 'ext4'],
		[0x58465342, 'XFS'],
		[0x9123683e, 'btrfs'],
		[0x794c7630, 'an overlay of a container'],
		[0x01021994, 'tmpfs'],
	])('%i (%s), it is not', async (type) => {
		lieOn(type);
		expect(await networkFileSystemOf(tmpdir())).toBeUndefined();
	});
});
