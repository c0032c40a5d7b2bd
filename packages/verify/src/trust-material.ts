/**
 * A trusted root, opened: bytes decoded, certificates parsed, and every field that a check relies on present.
 */
import { type Certificate, parseCertificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { malformation } from '@chancery/wire/schema-problem';
import { type CertificateAuthority, parseTrustedRoot, type TransparencyLogInstance } from '@chancery/wire/trusted-root';
import { VerifyError } from './verify-error.ts';

/** A period of trust; both ends are inclusive. */
export interface Validity {
	readonly start: Date;
	/** Undefined: still in use. */
	readonly end: Date | undefined;
}

export interface TrustedLog {
	readonly baseUrl: string;
	/** The names that the log may sign its checkpoints with: the host of `baseUrl`, without and with port. */
	readonly hostNames: readonly string[];
	/** DER SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
	/** 32 bytes by which entries and SCTs name the log. */
	readonly logId: Uint8Array;
	readonly validity: Validity;
}

export interface TrustedAuthority {
	readonly uri: string;
	/** CA: issuing certificate first. TSA: signing leaf first. The trust anchor is last. */
	readonly certificates: readonly [Certificate, ...Certificate[]];
	readonly validity: Validity;
}

export interface TrustMaterial {
	readonly tlogs: readonly TrustedLog[];
	readonly ctlogs: readonly TrustedLog[];
	readonly certificateAuthorities: readonly TrustedAuthority[];
	readonly timestampAuthorities: readonly TrustedAuthority[];
}

/**
 * Opens the JSON value of a `trusted_root.json`.
 * @throws {VerifyError} `trusted-root-malformed`: one bad entry spoils the file, because a verifier that skips what it
 * cannot read would silently trust less, or more, than the root says.
 */
export function openTrustedRoot(value: unknown): TrustMaterial {
	try {
		const root = parseTrustedRoot(value);
		return {
			tlogs: root.tlogs.map((log) => openLog(log)),
			ctlogs: root.ctlogs.map((log) => openLog(log)),
			certificateAuthorities: root.certificateAuthorities.map(openAuthority),
			timestampAuthorities: root.timestampAuthorities.map(openAuthority),
		};
	} catch (cause) {
		if (cause instanceof VerifyError) throw cause;
		const reason = malformation(cause) ?? (cause instanceof Error ? cause.message : String(cause));
		throw new VerifyError('trusted-root-malformed', `the trusted root is malformed: ${reason}`, { cause });
	}
}

/** Whether `time` lies in the period; the ends belong to it. */
export function isWithin(validity: Validity, time: Date): boolean {
	return validity.start <= time && (validity.end === undefined || time <= validity.end);
}

/** A time for a message; an unreadable one must not turn the refusal into another error. */
export function timeToString(time: Date): string {
	return Number.isNaN(time.getTime()) ? 'a time that does not exist' : time.toISOString();
}

function openLog(log: TransparencyLogInstance): TrustedLog {
	const start = log.publicKey.validFor?.start;
	// Without a start the key would be trusted for all of the past.
	if (!start) throw malformed(`log ${log.baseUrl} has no validFor.start`);
	if (log.hashAlgorithm !== 'SHA2_256') throw malformed(`log ${log.baseUrl} uses ${log.hashAlgorithm}`);
	return {
		baseUrl: log.baseUrl,
		hostNames: hostNamesOf(log.baseUrl),
		publicKey: log.publicKey.rawBytes,
		logId: log.logId.keyId,
		validity: { start, end: log.publicKey.validFor?.end },
	};
}

function openAuthority(authority: CertificateAuthority): TrustedAuthority {
	const certificates = authority.certChain.certificates.map(({ rawBytes }) => parseCertificate(rawBytes));
	const [first, ...rest] = certificates;
	if (!first) throw malformed(`authority ${authority.uri} has no certificate`);
	return {
		uri: authority.uri ?? '',
		certificates: [first, ...rest],
		// An authority without a start is bounded by its own certificates, which are always checked as well.
		validity: { start: authority.validFor?.start ?? new Date(0), end: authority.validFor?.end },
	};
}

function hostNamesOf(baseUrl: string): string[] {
	// Some roots name a log without a scheme; `host:port` alone would parse as the scheme `host`.
	const url = URL.parse(baseUrl.includes('://') ? baseUrl : `https://${baseUrl}`);
	if (!url?.hostname) throw malformed(`${JSON.stringify(baseUrl)} is not a URL`);
	return url.hostname === url.host ? [url.hostname] : [url.hostname, url.host];
}

function malformed(message: string): FormatError {
	return new FormatError('trusted root', message);
}
