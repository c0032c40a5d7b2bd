/**
 * An instance whose people sign in at another provider, and cosign at a desk beside it. The provider is told of the instance, and
 * the instance of the provider, so that neither can be first: the provider has its address before it starts.
 */
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { CLIENTS } from '@chancery/testkit/peers/peer-table';
import { CosignSigner } from '../logins/cosign-signer.ts';
import { Desk } from '../logins/desk.ts';
import { startMadeInstance } from '../logins/made-instance.ts';

export interface Upstream {
	readonly issuer: string;
	/** Starts it, for people who come from this redirect URI. */
	start(redirectUri: string): Promise<void>;
	stop(): Promise<void>;
}

export interface UpstreamConnector {
	/** The operator's choice: what verifiers ask for. */
	readonly id: string;
	readonly name: string;
	readonly clientId: string;
	readonly clientSecret: string;
}

export interface Workplace {
	readonly desk: Desk;
	readonly cosign: CosignSigner;
	/** Ends the provider, and starts it anew. */
	stopUpstream(): Promise<void>;
	startUpstream(): Promise<void>;
	close(): Promise<void>;
}

export async function openWorkplaceAt(
	upstream: Upstream,
	{ clientSecret, ...connector }: UpstreamConnector,
): Promise<Workplace> {
	const found = await findPeer('cosign 3', CLIENTS['cosign 3']);
	if ('notRun' in found) throw new Error(found.notRun);
	const settings = { type: 'oidc', ...connector, clientSecret: { env: 'CLIENT_SECRET' }, issuer: upstream.issuer };
	await using opened = new AsyncDisposableStack();
	const { instance, stop } = await startMadeInstance(
		({ identity, ca }) => {
			identity.connectors = [settings];
			ca.issuers = (ca.issuers as { type: string }[]).map((each) =>
				each.type === 'email' ? { issuerClaim: '$.federated_claims.connector_id', ...each } : each,
			);
		},
		{ CLIENT_SECRET: clientSecret },
	);
	opened.defer(stop);
	opened.defer(() => upstream.stop());
	const startUpstream = () => upstream.start(`${instance.oidcIssuer}/callback`);
	await startUpstream();
	const desk = await Desk.open(instance);
	opened.defer(() => desk.close());
	const cosign = await CosignSigner.open(desk, found.path);
	const kept = opened.move();
	return { desk, cosign, stopUpstream: () => upstream.stop(), startUpstream, close: () => kept.disposeAsync() };
}
