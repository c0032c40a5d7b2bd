/**
 * GET /api/v2/trustBundle and GET /api/v1/rootCert: the chain of this authority.
 */
import { mount } from '@chancery/chassis/http/mount';
import { getRootCertificate, getTrustBundle } from '@chancery/wire/fulcio';
import type { FastifyInstance } from 'fastify';
import type { IssuingChain } from '../domain/issuing-chain.ts';

export function mountTrustBundle(app: FastifyInstance, chain: IssuingChain): void {
	mount(app, getTrustBundle, () => ({ status: 200, body: { chains: [{ certificates: [...chain.pems] }] } }));
	mount(app, getRootCertificate, () => ({ status: 200, body: chain.pems.join('') }));
}
