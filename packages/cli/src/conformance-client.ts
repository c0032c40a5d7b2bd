/**
 * Entry point of Sigstore's client conformance suite: two commands with fixed arguments, and an exit code that says
 * accepted (0) or rejected.
 *
 *   sign-bundle   [--staging] [--in-toto] --identity-token TOKEN --bundle FILE [--trusted-root FILE] [--signing-config FILE] ARTIFACT
 *   verify-bundle [--staging] --bundle FILE (--certificate-identity ID --certificate-oidc-issuer URL | --key PEM) [--trusted-root FILE] FILE_OR_DIGEST
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attestBlob, type SignedBundle, type SigningDeps, signBlob } from '@chancery/client/sign';
import { fromHex, fromUtf8 } from '@chancery/core/bytes';
import { trustFromEnvironment } from '@chancery/net/tls-authorities';
import type { Artifact } from '@chancery/verify/artifact';
import { digestFile } from './artifact-file.ts';
import { policyOf } from './identity-options.ts';
import { InputFiles } from './input-files.ts';
import { writeOutput } from './output-file.ts';
import { terminal } from './terminal.ts';
import { readSigningConfig, readTrustedRoot } from './trust-sources.ts';
import { UsageError } from './usage-error.ts';
import { verifyFile } from './verify-file.ts';

const MAX_STATEMENT_BYTES = 16 * 1024 * 1024;
const OPTIONS = {
	staging: { type: 'boolean' },
	'in-toto': { type: 'boolean' },
	bundle: { type: 'string' },
	'identity-token': { type: 'string' },
	'trusted-root': { type: 'string' },
	'signing-config': { type: 'string' },
	'certificate-identity': { type: 'string' },
	'certificate-oidc-issuer': { type: 'string' },
	key: { type: 'string' },
} as const;

/** The suite means the public-good root when it names none; the file is beside the cases. */
const CASES = process.env.CONFORMANCE_CASES ?? join(import.meta.dirname, '../../../../shared/conformance-cases');

try {
	trustFromEnvironment();
	const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
	const [command, artifact] = positionals;
	if (!values.bundle || !artifact) throw new UsageError('a bundle and an artifact are needed');
	const trustedRootPath = values['trusted-root'] ?? join(CASES, 'production-trusted-root.json');
	const inputs = new InputFiles();
	const trust = await readTrustedRoot(trustedRootPath, inputs);
	if (command === 'verify-bundle') {
		const policy = await policyOf(
			{
				...(values['certificate-identity'] === undefined
					? {}
					: { certificateIdentity: values['certificate-identity'] }),
				...(values['certificate-oidc-issuer'] === undefined
					? {}
					: { certificateOidcIssuer: values['certificate-oidc-issuer'] }),
				...(values.key === undefined ? {} : { key: values.key }),
			},
			inputs,
		);
		await verifyFile(artifact, values.bundle, { trust, policy, inputs, isQuiet: true });
	} else if (command === 'sign-bundle') {
		const signingConfigPath = values['signing-config'] ?? join(CASES, 'production-signing-config.json');
		const deps = {
			trust,
			signingConfig: await readSigningConfig(signingConfigPath, inputs),
			identityToken: values['identity-token'] ?? '',
			fetch,
			clock: Date.now,
			random: randomBytes,
		};
		const signed = values['in-toto']
			? await attestStatement(await inputs.readBytes(artifact, 'the statement', MAX_STATEMENT_BYTES), deps)
			: await signBlob(await digestFile(artifact, ['SHA2_256'], inputs, { isQuiet: true }), deps);
		await writeOutput(values.bundle, `${JSON.stringify(signed.bundle)}\n`, { inputs, isForced: false });
	} else throw new UsageError(`unknown command ${command}`);
} catch (error) {
	terminal.error(error instanceof Error ? error.message : String(error));
	process.exitCode = 1;
}

function attestStatement(statement: Uint8Array, deps: SigningDeps): Promise<SignedBundle> {
	return attestBlob(firstSubject(statement), statement, deps);
}

/** With `--in-toto` the input is the statement itself; of its subject only the digest is known. */
function firstSubject(statement: Uint8Array): Artifact {
	const { subject } = JSON.parse(fromUtf8(statement)) as { subject?: { digest?: { sha256?: string } }[] };
	return { digests: [{ algorithm: 'SHA2_256', value: fromHex(subject?.[0]?.digest?.sha256 ?? '') }] };
}
