/**
 * File systems on which a lock of the kernel says nothing about other hosts, or nothing that can be relied on.
 *
 * Known by the numbers that Linux answers to statfs(2). What is mounted through FUSE has one number for all, and its name
 * in /proc/self/mountinfo tells which it is. 9P is not among them: sandboxes pass folders of their own host by it.
 */
import { readFile, realpath, statfs } from 'node:fs/promises';

/** https://man7.org/linux/man-pages/man2/statfs.2.html, and linux/magic.h. */
const BY_NUMBER: Readonly<Record<number, string>> = {
	26985: 'NFS', // 0x6969
	20859: 'SMB', // 0x517b
	4283649346: 'SMB', // 0xff534d42, cifs
	4266872130: 'SMB', // 0xfe534d42, smb2
	12805120: 'CephFS', // 0x00c36400
	1397113167: 'AFS', // 0x5346414f
	1799439955: 'AFS', // 0x6b414653
	198183888: 'Lustre', // 0x0bd00bd0
	18225520: 'GFS2', // 0x01161970
	1952539503: 'OCFS2', // 0x7461636f
	1937076805: 'Coda', // 0x73757245
	22092: 'NCP', // 0x564c
	1196443219: 'GPFS', // 0x47504653
	428016422: 'BeeGFS', // 0x19830326
};

const FUSE = 0x65735546;
const FUSE_NAMES =
	/^fuse\.(glusterfs|sshfs|juicefs|s3fs|mountpoint-s3|gcsfuse|blobfuse2?|goofys|rclone|davfs2?|ceph(-fuse)?|mfs|moosefs|lizardfs|saunafs|seaweedfs|beegfs_.*|curvefs|cvmfs2?|nfs.*|smb.*|azure.*)$/;

/** What a path lies on, when that is a file system of several hosts that is known here; else undefined. */
export async function networkFileSystemOf(path: string): Promise<string | undefined> {
	if (process.platform !== 'linux') return undefined;
	const { type } = await statfs(path);
	const known = BY_NUMBER[type >>> 0];
	if (known !== undefined) return known;
	if (type >>> 0 !== FUSE) return undefined;
	return fuseNameOf(await realpath(path), await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The type of the innermost mount around `path`, when that is a network file system of FUSE. See proc_pid_mountinfo(5). */
export function fuseNameOf(path: string, mountinfo: string): string | undefined {
	let innermost = { point: '', type: '' };
	for (const line of mountinfo.split('\n')) {
		const [before = '', after = ''] = line.split(' - ');
		const point = (before.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
			String.fromCharCode(Number.parseInt(octal, 8)),
		);
		const isAround = point !== '' && (path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`));
		// Of two mounts on one point, the later hides the earlier.
		if (isAround && point.length >= innermost.point.length) innermost = { point, type: after.split(' ')[0] ?? '' };
	}
	return FUSE_NAMES.test(innermost.type) ? innermost.type : undefined;
}
