/** What the signing commands share: the inputs that they read before signing, and the bundle that they write. */
import { randomBytes } from 'node:crypto';
import type { SignedBundle, SigningDeps } from '@chancery/client/sign';
import type { Artifact } from '@chancery/verify/artifact';
import { digestFile } from './artifact-file.ts';
import { readTokenOption } from './identity-token-option.ts';
import { InputFiles } from './input-files.ts';
import { isInteractive, logIn, usualWay } from './log-in.ts';
import { issuerOf, SIGSTORE_CLIENT } from './oidc-issuer.ts';
import { checkOutput, type OutputRules, writeOutput } from './output-file.ts';
import type { SigningOptions } from './signing-options.ts';
import { terminal } from './terminal.ts';
import { resolveSigning } from './trust-sources.ts';
import { UsageError } from './usage-error.ts';
import { sayWait } from './waiting.ts';

export interface PreparedSigning {
	/** The SHA-256 of the file: enough for a signature, whatever the size of the file. */
	readonly artifact: Artifact;
	readonly deps: SigningDeps;
	readonly rules: OutputRules;
}

/**
 * Reads everything, the artifact last. Checks the path of the output before that, so that nobody waits for the digest of a
 * large file, or leaves an entry in a log, and then learns that the bundle cannot be written.
 * @throws {UsageError | FileProblem}, and what `resolveSigning` throws
 */
export async function prepareSigning(
	file: string,
	options: SigningOptions,
	inputs: InputFiles = new InputFiles(),
): Promise<PreparedSigning> {
	if (options.bundle === '-' && options.json)
		throw new UsageError('--json and --bundle - exclude each other: both write to standard output');
	const rules = { inputs, isForced: options.force === true };
	const needsLogin = options.identityToken === undefined && isInteractive();
	const given = needsLogin ? undefined : await readTokenOption(options.identityToken, inputs);
	const signing = await resolveSigning(options, inputs);
	inputs.expect(file);
	await checkOutput(options.bundle, rules);
	const artifact = await digestFile(file, ['SHA2_256'], inputs, { isQuiet: options.json === true });
	// Last: tokens are short-lived, and nobody should sign in for a file that cannot be read.
	const identityToken =
		given ??
		(await logIn(usualWay(), { issuer: issuerOf(signing.signingConfig, Date.now()), clientId: SIGSTORE_CLIENT }));
	const deps = {
		...signing,
		identityToken,
		fetch,
		clock: Date.now,
		random: randomBytes,
		onWait: sayWait(options.json),
	};
	return { artifact, deps, rules };
}

export async function writeBundle(
	{ bundle, evidence }: SignedBundle,
	options: SigningOptions,
	rules: OutputRules,
): Promise<void> {
	await writeOutput(options.bundle, `${JSON.stringify(bundle)}\n`, rules);
	if (options.json)
		terminal.json({ bundle: options.bundle, identity: evidence.identity, logEntries: evidence.logEntries });
}
