/**
 * POST /api/v2/signingCert
 */
import { mount } from '@chancery/chassis/http/mount';
import { utf8 } from '@chancery/core/bytes';
import { createSigningCertificate, type SigningCertificateRequest } from '@chancery/wire/fulcio';
import type { FastifyInstance } from 'fastify';
import { type IssueDeps, issueCertificate } from '../domain/issue.ts';
import type { KeyMaterial } from '../domain/requested-key.ts';
import { provenRequest, tokenOfHeader } from './bearer-token.ts';

export function mountSigningCertificate(app: FastifyInstance, deps: IssueDeps, publicUrl: string): void {
	mount(
		app,
		createSigningCertificate,
		async ({ body }, request) => {
			const token = body.credentials?.oidcIdentityToken || tokenOfHeader(request);
			const { pems } = await issueCertificate(deps, {
				token,
				proven: provenRequest(request, publicUrl, createSigningCertificate),
				key: keyOf(body),
				address: request.ip,
			});
			return { status: 200, body: { signedCertificateEmbeddedSct: { chain: { certificates: [...pems] } } } };
		},
		{ emptyBody: 'empty-object' },
	);
}

/** The certification request wins when both are given. */
function keyOf({ certificateSigningRequest, publicKeyRequest }: SigningCertificateRequest): KeyMaterial | undefined {
	if (certificateSigningRequest && certificateSigningRequest.length > 0)
		return { kind: 'csr', pem: certificateSigningRequest };
	const content = publicKeyRequest?.publicKey?.content;
	if (!content) return undefined;
	// A lone surrogate has no UTF-8; nothing that holds one is a key.
	return {
		kind: 'public-key',
		encoded: utf8(content.toWellFormed()),
		proof: publicKeyRequest?.proofOfPossession ?? new Uint8Array(),
	};
}
