/**
 * POST /api/v1/signingCert: the first version, which older clients still use. It answers 201 and PEM; the timestamp is
 * embedded, so that there is no `SCT` header.
 */
import { mount } from '@chancery/chassis/http/mount';
import { createLegacySigningCertificate, type LegacySigningCertificateRequest } from '@chancery/wire/fulcio';
import type { FastifyInstance } from 'fastify';
import { type IssueDeps, issueCertificate } from '../domain/issue.ts';
import type { KeyMaterial } from '../domain/requested-key.ts';
import { provenRequest, tokenOfHeader } from './bearer-token.ts';

export function mountLegacySigningCertificate(app: FastifyInstance, deps: IssueDeps, publicUrl: string): void {
	mount(
		app,
		createLegacySigningCertificate,
		async ({ body }, request) => {
			const token = tokenOfHeader(request);
			const { pems } = await issueCertificate(deps, {
				token,
				proven: provenRequest(request, publicUrl, createLegacySigningCertificate),
				key: keyOf(body),
				address: request.ip,
			});
			return { status: 201, body: pems.join('\n') };
		},
		{ emptyBody: 'empty-object' },
	);
}

/** The certification request wins when both are given. */
function keyOf(body: LegacySigningCertificateRequest): KeyMaterial | undefined {
	const { certificateSigningRequest: csr, publicKey, signedEmailAddress } = body;
	if (csr && csr.length > 0) return { kind: 'csr', pem: csr };
	if (!publicKey?.content || publicKey.content.length === 0) return undefined;
	return { kind: 'public-key', encoded: publicKey.content, proof: signedEmailAddress ?? new Uint8Array() };
}
