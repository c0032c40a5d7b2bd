/** Our command signs with the token of a client that only logs in, and verifies what it signed. */
import { writeFile } from 'node:fs/promises';
import { CHANCERY } from '../judges/running-instance.ts';
import { type Certified, expectBundleOf } from './certified.ts';
import type { Desk } from './desk.ts';

/** @param token name of a file on the desk */
export async function expectSigningWith(desk: Desk, token: string, whom: Certified): Promise<void> {
	await writeFile(desk.file('artifact'), 'what somebody releases\n');
	const { root, urls } = desk.instance;
	const first = ['--root', root.path, '--root-checksum', root.sha256];
	await desk.mustRun(CHANCERY, ['initialize', '--mirror', urls.tuf, ...first]);
	await desk.mustRun(CHANCERY, ['sign-blob', '--identity-token', token, '--bundle', 'bundle.json', 'artifact']);
	expectBundleOf(desk.file('bundle.json'), whom);
	const policy = ['--certificate-identity', whom.email, '--certificate-oidc-issuer', whom.issuer];
	await desk.mustRun(CHANCERY, ['verify-blob', '--bundle', 'bundle.json', ...policy, 'artifact']);
}
