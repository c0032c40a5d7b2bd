/** Key `tls` of a listener: the certificate that it shows, and the key of it. */
import { z } from 'zod';
import { type Environment, secret } from './secret.ts';

export function tlsSection(env?: Environment) {
	return z.strictObject({
		certificateFile: z
			.string()
			.min(1)
			.describe(
				'Path of the PEM chain: the certificate of this listener first, then its intermediates; clients have the root. Read again within ten seconds of a change; a pair that cannot be used leaves the old one in place until that expires',
			),
		keyFile: z
			.string()
			.min(1)
			.describe(
				'Path of the PEM private key of that certificate. Whoever reads it can be this listener: mode 0600, or 0640 when root owns the file. Read again together with the certificate',
			),
		clientCaFile: z
			.string()
			.min(1)
			.optional()
			.describe(
				'Path of PEM certificates of authorities. With it, who connects must show a certificate for clients that one of them has issued, beside any token; others are not let in. Read again together with the certificate. Absent by default: nobody is asked',
			),
		passphrase: secret(env)
			.optional()
			.describe(
				'Unlocks an encrypted key file; { file } or { env }. Absent by default: the key lies in the clear. A replaced key must be encrypted with the same passphrase',
			),
	});
}

export type TlsFiles = z.output<ReturnType<typeof tlsSection>>;
