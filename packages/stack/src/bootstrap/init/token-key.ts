/**
 * Keys that lie in a hardware security module already, named in the answers by their PKCS#11 URIs (RFC 7512).
 */
import { parseSection } from '@chancery/chassis/config/config';
import { secret } from '@chancery/chassis/config/secret';
import { KeyError } from '@chancery/keys/key-error';
import { openSigner } from '@chancery/keys/open-signer';
import { parsePkcs11Uri } from '@chancery/keys/pkcs11/pkcs11-uri';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { z } from 'zod';

/** Where a key is. The PIN is where it says on the host that serves, and on the machine that runs `init`. */
export const tokenKey = z.strictObject({
	uri: z.string().superRefine((uri, context) => {
		try {
			parsePkcs11Uri(uri);
		} catch (error) {
			if (!(error instanceof KeyError)) throw error;
			context.addIssue({ code: 'custom', message: error.message });
		}
	}),
	pin: z.union(
		[
			z.strictObject({ file: z.string().regex(/^\//, 'expected an absolute path') }),
			z.strictObject({ env: z.string().min(1) }),
		],
		'expected { file: /absolute/path } or { env: NAME }, never the PIN itself',
	),
});

export type TokenKey = z.output<typeof tokenKey>;

/**
 * Opens the key, which has to sign once with one login, and looks at its kind.
 * @throws {KeyError} whose message names the answer; ConfigError when the PIN is not where it should be
 */
export async function openTokenKey(
	where: string,
	{ uri, pin }: TokenKey,
	algorithms: readonly KeyAlgorithm[],
): Promise<Signer> {
	const { pin: opened } = parseSection(`answers.${where}`, z.object({ pin: secret() }), { pin });
	const signer = await openSigner(uri, { pin: opened.reveal() }).catch((error: unknown) => {
		if (!(error instanceof KeyError)) throw error;
		throw new KeyError(error.code, `answers: ${where}: ${error.message}`, { cause: error });
	});
	if (!algorithms.includes(signer.algorithm))
		throw new KeyError(
			'unsupported-algorithm',
			`answers: ${where}: the key in the token is ${signer.algorithm}; ${algorithms.join(' or ')} is needed. Make one of that kind there`,
		);
	return signer;
}
