/** What a certificate says of who signed, read by openssl. */
import { readFileSync } from 'node:fs';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { expect } from 'vitest';
import type { LoginInstance } from './desk.ts';

export interface Certified {
	readonly email: string;
	readonly issuer: string;
}

/** Whom the certificate of a login names as issuer: the connector, which for the development login is our own issuer. */
export const issuerOf = ({ oidcIssuer }: LoginInstance): string => oidcIssuer;

/** Expects that the bundle in a file has a certificate of this person and this issuer. */
export function expectBundleOf(path: string, whom: Certified): void {
	const { verificationMaterial } = JSON.parse(readFileSync(path, 'utf8')) as {
		verificationMaterial: { certificate: { rawBytes: string } };
	};
	expectCertificateOf(Buffer.from(verificationMaterial.certificate.rawBytes, 'base64'), whom);
}

/** The same of a certificate in DER. */
export function expectCertificateOf(der: Uint8Array, { email, issuer }: Certified): void {
	using openssl = new OpensslFolder({ 'leaf.der': der });
	const text = openssl.run('x509', '-inform', 'DER', '-in', 'leaf.der', '-noout', '-text');
	expect(/Subject Alternative Name: critical\s+(\S+)/.exec(text)?.[1]).toBe(`email:${email}`);
	// The older extension is the bare text, the newer one a UTF8String, whose two bytes of header are shown as well.
	expect(/1\.3\.6\.1\.4\.1\.57264\.1\.1:\s+(\S+)/.exec(text)?.[1]).toBe(issuer);
	expect(/1\.3\.6\.1\.4\.1\.57264\.1\.8:\s+(\S.*)/.exec(text)?.[1]?.slice(2)).toBe(issuer);
}
