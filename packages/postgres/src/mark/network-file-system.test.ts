import { expect, it } from 'vitest';
import { fuseNameOf, networkFileSystemOf } from './network-file-system.ts';

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
