/** What the verifying commands read from their options: whom to trust, and who must have signed. */
import { type IdentityOptions, policyOf } from './identity-options.ts';
import { InputFiles } from './input-files.ts';
import type { TrustOptions } from './trust-options.ts';
import { resolveTrust } from './trust-sources.ts';
import type { FileVerification } from './verify-file.ts';

/** @throws {UsageError | FileProblem}, and what `resolveTrust` throws */
export async function verificationOf(options: TrustOptions & IdentityOptions): Promise<FileVerification> {
	const inputs = new InputFiles();
	const policy = await policyOf(options, inputs);
	return { policy, trust: await resolveTrust(options, inputs), inputs, isQuiet: options.json === true };
}
