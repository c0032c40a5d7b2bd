/** A policy that names a workflow as Fulcio writes it, and a bundle that a workflow on an odd branch signed with us. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signBlob } from '@chancery/client/sign';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { expect, it } from 'vitest';
import { chancery, openInstance } from './running-instance.ts';

const instance = openInstance('instance');
const ARTIFACT = Buffer.from('built on a branch\n');
const WORKFLOW = 'acme/app/.github/workflows/release.yml@refs/heads/';
const folder = mkdtempSync(join(tmpdir(), 'chancery-workflow-'));
const file = join(folder, 'artifact.txt');
writeFileSync(file, ARTIFACT);

it.each([
	{ branch: 'fix#12', name: 'fix%2312' },
	{ branch: 'a%20b', name: 'a%20b' },
	{ branch: '100%25', name: '100%25' },
	{ branch: '"quoted"<x>', name: '%22quoted%22%3Cx%3E' },
	{ branch: 'ünïcode!', name: '%C3%BCn%C3%AFcode%21' },
	{ branch: "plain!$&'()+,;=", name: "plain!$&'()+,;=" },
])('a signature of the branch $branch fits a policy for $name', async ({ branch, name }) => {
	const claims = { job_workflow_ref: `${WORKFLOW}${branch}` };
	const { bundle } = await signBlob(
		{ bytes: ARTIFACT },
		{
			signingConfig: parseSigningConfig(instance.signingConfig),
			trust: openTrustedRoot(instance.trustedRoot),
			identityToken: await instance.token('nobody@example.com', claims),
			logApiVersions: [1],
			fetch,
			clock: Date.now,
			random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
		},
	);
	const identity = `https://github.com/${WORKFLOW}${name}`;
	const judge = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(instance.trustedRoot)));
	judge.verify(toSignedEntity(bundleFromJSON(bundle as never), ARTIFACT), {
		subjectAlternativeName: `^${RegExp.escape(identity)}$`,
	});

	const path = join(folder, 'artifact.sigstore.json');
	writeFileSync(path, JSON.stringify(bundle));
	const verify = (expected: string) =>
		chancery(
			'verify-blob',
			'--data',
			instance.data,
			'--bundle',
			path,
			'--certificate-oidc-issuer',
			instance.oidcIssuer.replace(/\/auth$/, '/ci'),
			'--certificate-identity',
			expected,
			file,
		);
	await verify(identity);
	if (name !== branch)
		await expect(verify(`https://github.com/${WORKFLOW}${branch}`)).rejects.toMatchObject({ code: 1 });
});
