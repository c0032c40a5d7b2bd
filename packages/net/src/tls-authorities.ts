/**
 * Whom this process believes when a server shows its certificate: the roots that the runtime brings, and those of a
 * private authority that somebody named. Roots are only ever added, and verification cannot be switched off.
 *
 * The addition is to the whole process, so that every client in it (fetch, tuf-js) means the same: call it where the
 * process begins. Authorities that are meant for one server alone are given to its transport (`createHttpTransport`).
 */

import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ChanceryError } from '@chancery/core/chancery-error';

/** The roots that were named cannot be used; the message says which file and why. */
export class TlsTrustError extends ChanceryError<'tls-trust-unusable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('tls-trust-unusable', message, options);
	}
}

/** The bundle of a whole system is a quarter of this. */
const MAX_BUNDLE_BYTES = 4 * 1024 * 1024;
const BEGINNING = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/g;
/** Base64 has no hyphen: a beginning is looked at once, however many of them have no end. */
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]*-----END (?:TRUSTED )?CERTIFICATE-----/g;

/**
 * Adds the authorities that `SSL_CERT_FILE` names, a file of PEM certificates, as other clients do. Without it nothing
 * changes. `NODE_EXTRA_CA_CERTS` is the runtime's own and works as well.
 * @throws {TlsTrustError} when the file is of no use, or the environment wants TLS without verification
 */
export function trustFromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): void {
	// The runtime would obey it in silence: tokens would go to whoever answers.
	if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
		throw new TlsTrustError(
			'NODE_TLS_REJECT_UNAUTHORIZED=0 would switch the verification of TLS certificates off, which is refused; unset it, and name the PEM file of a private CA in SSL_CERT_FILE',
		);
	if (env.SSL_CERT_FILE) trustAuthorityFile(env.SSL_CERT_FILE, 'SSL_CERT_FILE');
}

/**
 * Adds the authorities in a PEM file. `namedBy` says in a refusal who named the file.
 * @throws {TlsTrustError}
 */
export function trustAuthorityFile(path: string, namedBy: string): void {
	setDefaultCACertificates([...new Set([...getCACertificates('default'), ...readAuthorityFile(path, namedBy)])]);
}

/**
 * The authorities in a PEM file, each as PEM, at least one. `namedBy` says in a refusal who named the file.
 * @throws {TlsTrustError}
 */
export function readAuthorityFile(path: string, namedBy: string): readonly string[] {
	const refuse = (why: string, cause?: unknown) =>
		new TlsTrustError(`${path}, named by ${namedBy}, ${why}`, cause === undefined ? {} : { cause });
	let text: string;
	try {
		if (statSync(path).size > MAX_BUNDLE_BYTES) throw refuse(`is longer than ${MAX_BUNDLE_BYTES} bytes`);
		text = readFileSync(path, 'utf8');
	} catch (cause) {
		if (cause instanceof TlsTrustError) throw cause;
		throw refuse(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`, cause);
	}
	const beginnings = text.match(BEGINNING);
	if (!beginnings) throw refuse('holds no PEM certificate');
	const certificates = text.match(CERTIFICATE) ?? [];
	if (certificates.length < beginnings.length) throw refuse('holds a certificate that is cut off or damaged');
	try {
		return certificates.map((pem) => new X509Certificate(pem).toString());
	} catch (cause) {
		throw refuse('holds a certificate that cannot be read', cause);
	}
}
