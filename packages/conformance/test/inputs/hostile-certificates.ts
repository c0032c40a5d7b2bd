/** Certificates that are slow to read because of what is in them; nobody signed them, and a log judges no certificate. */
import { encodeExtension, encodeName } from '@chancery/core/certificate-encoding';
import { derBitString, derContext, derInteger, derNull, derOid, derSequence, derTime } from '@chancery/core/der';

export interface HostileCertificate {
	readonly der: Buffer;
	/** As many as may be. */
	readonly isLoggable?: true;
}

/** Certificates for the key with this SubjectPublicKeyInfo. */
export function hostileCertificates(spki: Uint8Array): Record<string, HostileCertificate> {
	const numbered = (count: number) =>
		certificate(
			spki,
			Array.from({ length: count }, (_, i) => encodeExtension(`1.3.6.1.4.1.99999.${i}`, false, derNull())),
		);
	return {
		'100 extensions': { der: numbered(100), isLoggable: true },
		'101 extensions': { der: numbered(101) },
		'2,000 extensions': { der: numbered(2_000) },
		'130 KiB': { der: certificate(spki, [encodeExtension('1.3.6.1.4.1.99999.1', false, new Uint8Array(133_120))]) },
	};
}

function certificate(spki: Uint8Array, extensions: readonly Uint8Array[]): Buffer {
	const algorithm = derSequence(derOid('1.2.840.10045.4.3.2'));
	const name = encodeName('example', 'hostile');
	const validity = derSequence(derTime(new Date('2026-01-01T00:00:00Z')), derTime(new Date('2036-01-01T00:00:00Z')));
	const tbs = derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(1),
		algorithm,
		name,
		validity,
		name,
		spki,
		derContext(3, {}, derSequence(...extensions)),
	);
	return Buffer.from(derSequence(tbs, algorithm, derBitString(new Uint8Array(72))));
}
