/** The certificate that a service shows when it calls another one whose listener asks for it (`tls.clientCaFile`). */
import { z } from 'zod';

export function clientCertificateSection() {
	return z.strictObject({
		certificateFile: z
			.string()
			.min(1)
			.describe('Path of the PEM chain: the certificate for clients first, then its intermediates'),
		keyFile: z
			.string()
			.min(1)
			.describe('Path of the PEM private key of that certificate: mode 0600, or 0640 or 0440 when root owns the file'),
	});
}
