/** A log as the service that keeps it describes it, for whoever creates, audits or repairs logs and knows no service. */
import type { LogIdentity } from './log-identity.ts';

export interface ServiceLog<Config = unknown> {
	/** Schema of the service in its database. */
	readonly schema: string;
	/** Names its rows there. */
	readonly logId: string;
	/** What the service calls its key. */
	readonly key: string;
	/** What the service calls its mark. */
	readonly mark: string;
	/** Health checks of the service that judge it; the first gives the reason why it may not grow. */
	readonly checks: readonly string[];
	/**
	 * What its row says when it was made from this configuration and key.
	 * @throws {Error} when the log cannot have a key of this algorithm
	 */
	identity(config: Config, signer: { readonly publicKey: Uint8Array }, mode: LogIdentity['mode']): LogIdentity;
}
