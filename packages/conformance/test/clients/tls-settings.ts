/**
 * How each client is told of a private authority for TLS: what its documentation, or that of its runtime, says to set.
 * Nothing else tells it, so that without the setting it must refuse the instance (`tls-trust.test.ts`).
 */
import type { ClientName } from '@chancery/testkit/peers/peer-table';

/** Go's programs and python-tuf take the file of SSL_CERT_FILE instead of the system's roots, ours besides them. */
export const TLS_SETTINGS = {
	chancery: ['SSL_CERT_FILE'],
	'cosign 3': ['SSL_CERT_FILE'],
	'cosign 2': ['SSL_CERT_FILE'],
	'rekor-cli': ['SSL_CERT_FILE'],
	'go-tuf': ['SSL_CERT_FILE'],
	// TUF goes through urllib3 and thus OpenSSL's own variable, everything else through requests.
	'sigstore-python': ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE'],
	'python-tuf': ['SSL_CERT_FILE'],
	sigstore: ['NODE_EXTRA_CA_CERTS'],
	'@sigstore/sign': ['NODE_EXTRA_CA_CERTS'],
} as const satisfies Record<ClientName | 'chancery', readonly string[]>;

/** What a place hands out for TLS: a file of authorities, or nothing over plain HTTP. */
export interface TlsPlace {
	readonly tlsCa: string | undefined;
}

/** The environment in which this client trusts the place. */
export function tlsSettings(client: keyof typeof TLS_SETTINGS, { tlsCa }: TlsPlace): Record<string, string> {
	if (tlsCa === undefined) return {};
	return Object.fromEntries(TLS_SETTINGS[client].map((variable) => [variable, tlsCa]));
}
