/**
 * The certificate extensions in which a CA writes what the identity token said (arc 1.3.6.1.4.1.57264.1, as described in
 * Fulcio's oid-info document). None is critical; an extension whose value would be empty is left out.
 *
 * Numbers 1 to 6 are the old form: the bytes of the text are the extension value, without any DER around them.
 * Numbers 8 and up hold a DER UTF8String. Number 7 is no extension but the type of an otherName in the SAN.
 */
import { fromUtf8, utf8 } from './bytes.ts';
import type { Certificate } from './certificate.ts';
import { DerReader, derUtf8 } from './der.ts';
import { FormatError } from './format-error.ts';

const ARC = '1.3.6.1.4.1.57264.1';

/** Type of the otherName that carries a user name with its domain, `user!domain.example`. */
export const OTHER_NAME_OID = `${ARC}.7`;

export interface FulcioExtension {
	readonly oid: string;
	readonly encoding: 'raw' | 'utf8';
}

const raw = (number: number): FulcioExtension => ({ oid: `${ARC}.${number}`, encoding: 'raw' });
const text = (number: number): FulcioExtension => ({ oid: `${ARC}.${number}`, encoding: 'utf8' });

/** In the order in which they stand in a certificate. */
export const FULCIO_EXTENSIONS = {
	/** Issuer of the token; both forms are always present with the same value. */
	issuer: raw(1),
	githubWorkflowTrigger: raw(2),
	githubWorkflowSha: raw(3),
	githubWorkflowName: raw(4),
	githubWorkflowRepository: raw(5),
	githubWorkflowRef: raw(6),
	issuerV2: text(8),
	buildSignerUri: text(9),
	buildSignerDigest: text(10),
	runnerEnvironment: text(11),
	sourceRepositoryUri: text(12),
	sourceRepositoryDigest: text(13),
	sourceRepositoryRef: text(14),
	sourceRepositoryIdentifier: text(15),
	sourceRepositoryOwnerUri: text(16),
	sourceRepositoryOwnerIdentifier: text(17),
	buildConfigUri: text(18),
	buildConfigDigest: text(19),
	buildTrigger: text(20),
	runInvocationUri: text(21),
	sourceRepositoryVisibilityAtSigning: text(22),
	deploymentEnvironment: text(23),
	/** The `sub` claim of the token as it was. */
	subject: text(24),
} as const satisfies Readonly<Record<string, FulcioExtension>>;

export type FulcioExtensionName = keyof typeof FULCIO_EXTENSIONS;

/** Their names, in the order of the table. */
export const FULCIO_EXTENSION_NAMES = Object.keys(FULCIO_EXTENSIONS) as readonly FulcioExtensionName[];

/** Identifier and value of one extension. Throws FormatError for an empty value, which is expressed by absence. */
export function encodeFulcioExtension(name: FulcioExtensionName, value: string): { oid: string; value: Uint8Array } {
	const { oid, encoding } = FULCIO_EXTENSIONS[name];
	if (value === '') throw new FormatError('Fulcio extension', `${name} is empty`);
	return { oid, value: encoding === 'raw' ? utf8(value) : derUtf8(value) };
}

/**
 * The values of all such extensions that a certificate has, by name. Throws FormatError when one is not text. Like
 * other readers it accepts any DER string type, for certificates of other issuers.
 */
export function readFulcioExtensions(certificate: Certificate): Partial<Record<FulcioExtensionName, string>> {
	const values: Partial<Record<FulcioExtensionName, string>> = {};
	for (const name of FULCIO_EXTENSION_NAMES) {
		const { oid, encoding } = FULCIO_EXTENSIONS[name];
		const extension = certificate.extension(oid);
		if (extension) values[name] = encoding === 'raw' ? fromUtf8(extension.value) : readText(extension.value);
	}
	return values;
}

function readText(value: Uint8Array): string {
	const reader = new DerReader(value);
	const content = reader.text();
	reader.end();
	return content;
}
