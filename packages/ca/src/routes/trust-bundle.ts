/**
 * GET /api/v2/trustBundle and GET /api/v1/rootCert: the chain of this authority.
 */
import { mount } from '@chancery/chassis/mount';
import { getRootCertificate, getTrustBundle, PEM_CHAIN_TYPE } from '@chancery/wire/fulcio';
import type { FastifyInstance } from 'fastify';
import type { IssuingChain } from '../domain/issuing-chain.ts';
import { withDoubledSlash } from './doubled-slash.ts';

export function mountTrustBundle(app: FastifyInstance, chain: IssuingChain): void {
	for (const route of withDoubledSlash(getTrustBundle))
		mount(app, route, () => ({ status: 200, body: { chains: [{ certificates: [...chain.pems] }] } }));
	for (const route of withDoubledSlash(getRootCertificate))
		mount(app, route, () => ({ status: 200, contentType: PEM_CHAIN_TYPE, body: chain.pems.join('') }));
}
