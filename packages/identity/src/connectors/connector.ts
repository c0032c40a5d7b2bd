/**
 * The interface of a connector type: one family of identity providers where people sign in. Each is one file in this
 * folder and one line in `connector-list.ts`; configuration, the rules of production and the buttons of the login page
 * follow from it.
 *
 * What an upstream provider says is trusted for its own people only. So the connector's id is part of every account: one
 * address that two providers vouch for is two accounts.
 */

import type { Finding } from '@chancery/chassis/config/production';
import type { Environment } from '@chancery/chassis/config/secret';
import { secret } from '@chancery/chassis/config/secret';
import type { Clock } from '@chancery/chassis/service';
import { issuerKeySource } from '@chancery/chassis/tokens/issuer-key-source';
import { z } from 'zod';
import type { Account } from '../domain/account.ts';
import { connectorId } from '../domain/connector-id.ts';

/** A person as one connector knows them, with an address that somebody has verified. */
export type Person = Omit<Account, 'sub' | 'connectorId'> & { readonly emailVerified: true };

/** What binds the answer of the provider to one sign-in of one browser. All values are random and used once. */
export interface UpstreamLogin {
	/** The redirect URI that is registered at the provider. */
	readonly redirectUri: string;
	readonly state: string;
	/** In the ID token (OpenID Connect Core section 3.1.2.1); providers without ID tokens ignore it. */
	readonly nonce: string;
	/** RFC 7636; sent as S256 challenge to every provider. */
	readonly codeVerifier: string;
}

/** Who signed in, as far as the provider said: nothing of it is checked yet. */
export interface NamedPerson {
	/** What the provider calls the account for good; an address or a login name may belong to somebody else tomorrow. */
	readonly userId: unknown;
	readonly email: unknown;
	/** By the policy of the connector. */
	readonly emailVerified: boolean;
}

/** What a connector type makes of its settings. Whatever it throws becomes one of our codes (`guarded-connector.ts`). */
export interface Provider {
	/** For the log and for operators: its issuer, or its base URL. */
	readonly address: string;
	/** The form of its user ids, where it has one. */
	readonly subjectFormat?: RegExp;
	/** Where the browser goes. */
	begin(login: UpstreamLogin): Promise<URL>;
	/** Redeems the answer of the provider, which came as the query of `returned`. */
	finish(returned: URL, login: UpstreamLogin): Promise<NamedPerson>;
	/** What is known without asking anyone. */
	state(): { readonly ok: boolean; readonly detail: string };
	/** Looks at the provider, so that `state` is of now. Never rejects. */
	renew(): Promise<void>;
	/** Whether it answers, and knows this client. Returns what was found. */
	probe(redirectUri: string): Promise<string>;
}

export interface Connector {
	/** Names the provider in tokens and certificates. */
	readonly id: string;
	/** For the button. */
	readonly name: string;
	readonly address: string;
	/** @throws {UpstreamLoginError} */
	begin(login: UpstreamLogin): Promise<URL>;
	/** @throws {UpstreamLoginError} */
	finish(returned: URL, login: UpstreamLogin): Promise<Person>;
	state(): { readonly ok: boolean; readonly detail: string };
	renew(): Promise<void>;
	/** @throws {UpstreamLoginError} */
	probe(redirectUri: string): Promise<string>;
}

export interface ConnectorDeps {
	/** Bounds time and size of answers, and follows no redirects. */
	readonly fetch: typeof fetch;
	readonly clock: Clock;
}

/** The settings that connectors of every type have. */
export const connectorSettingsShape = (env?: Environment) => ({
	id: connectorId.describe(
		'Names the provider in tokens (`federated_claims.connector_id`) and in certificates, where verifiers ask for it. A URL by convention. Changing it makes new accounts of all its people.',
	),
	name: z.string().min(1).max(100).describe('What the button of the login page says: `Continue with NAME`.'),
	clientId: z.string().min(1).max(500).describe('Id of this service as a client of the provider.'),
	clientSecret: secret(env).optional().describe('{ file } or { env } with the secret of that client.'),
	caFile: issuerKeySource.caFile.describe(
		'PEM file with the authorities that vouch for the TLS certificate of the provider; for it, no others are believed then. Read at the start only. Default: the roots of the system.',
	),
});

export type ConnectorSettings = z.output<z.ZodObject<ReturnType<typeof connectorSettingsShape>>> & {
	readonly type: string;
};

export interface ConnectorType<Schema extends z.ZodType<ConnectorSettings> = z.ZodType<ConnectorSettings>> {
	/** Value of `type` in the settings. */
	readonly name: string;
	/** A strict object over `connectorSettingsShape`; the name is the literal of its `type`. */
	configSchema(env?: Environment): Schema;
	/** What production does not start with in these settings. */
	findings?(settings: z.output<Schema>): readonly Omit<Finding, 'where'>[];
	open(settings: z.output<Schema>, deps: ConnectorDeps): Provider;
}

/** Ties the settings that a connector type is given to its own schema. */
export function connectorType<Schema extends z.ZodType<ConnectorSettings>>(
	definition: ConnectorType<Schema>,
): ConnectorType<Schema> {
	return definition;
}
