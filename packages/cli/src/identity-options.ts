/** Who must have signed, with the option names of cosign. */
import { FormatError } from '@chancery/core/format-error';
import { parsePem } from '@chancery/core/pem';
import type { Matcher, Policy } from '@chancery/verify/policy';
import type { Command } from 'commander';
import type { InputFiles } from './input-files.ts';
import { UsageError } from './usage-error.ts';

const MAX_KEY_BYTES = 64 * 1024;

export interface IdentityOptions {
	readonly certificateIdentity?: string;
	readonly certificateIdentityRegexp?: string;
	readonly certificateOidcIssuer?: string;
	readonly certificateOidcIssuerRegexp?: string;
	readonly key?: string;
}

export function addIdentityOptions(command: Command): Command {
	return command
		.option('--certificate-identity <subject>', 'e-mail address or URI that the certificate must name')
		.option('--certificate-identity-regexp <regexp>', 'the same as a pattern, matched from end to end')
		.option('--certificate-oidc-issuer <url>', 'issuer that the identity must come from')
		.option('--certificate-oidc-issuer-regexp <regexp>', 'the same as a pattern, matched from end to end')
		.option('--key <file>', 'PEM public key, for signatures that were made with a key instead of a certificate');
}

/** @throws {UsageError} unless exactly one policy is described: nobody verifies "signed by anyone" by leaving options out */
export async function policyOf(options: IdentityOptions, inputs: InputFiles): Promise<Policy> {
	const subject = matcher('certificate-identity', options.certificateIdentity, options.certificateIdentityRegexp);
	const issuer = matcher('certificate-oidc-issuer', options.certificateOidcIssuer, options.certificateOidcIssuerRegexp);
	if (options.key !== undefined) {
		if (subject || issuer) throw new UsageError('--key and a certificate identity exclude each other');
		return { kind: 'key', publicKey: await readPublicKey(options.key, inputs) };
	}
	if (!subject || !issuer)
		throw new UsageError(
			'give --certificate-identity and --certificate-oidc-issuer (or their -regexp forms), or --key',
		);
	return { kind: 'identities', anyOf: [{ subject, issuer }] };
}

async function readPublicKey(path: string, inputs: InputFiles): Promise<Uint8Array> {
	const text = await inputs.readText(path, 'the public key', MAX_KEY_BYTES);
	try {
		const [block] = parsePem(text);
		if (block?.label === 'PUBLIC KEY') return block.der;
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
	}
	throw new UsageError(`${path} is not a PEM public key (-----BEGIN PUBLIC KEY-----)`);
}

function matcher(name: string, exactly: string | undefined, pattern: string | undefined): Matcher | undefined {
	if (exactly !== undefined && pattern !== undefined)
		throw new UsageError(`--${name} and --${name}-regexp exclude each other`);
	if (exactly !== undefined) return { exactly };
	if (pattern === undefined) return undefined;
	try {
		return { matching: new RegExp(pattern, 'u') };
	} catch (cause) {
		throw new UsageError(`--${name}-regexp is not a regular expression`, { cause });
	}
}
