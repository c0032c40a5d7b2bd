/** A log as the service that keeps it describes it, for whoever creates, audits or repairs logs and knows no service. */
import type { Signer } from '@chancery/keys/signer';
import type { LogIdentity } from './log-identity.ts';

/** What decides about a log's identity, of its key. */
export type LogKey = Pick<Signer, 'publicKey' | 'algorithm'>;

/**
 * A list of the logs of several services does not know their configurations (`never`): whoever asks one of them for its
 * identity passes what the schema of the same service has parsed.
 */
export interface ServiceLog<Config = never> {
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
	readonly identity: (config: Config, key: LogKey, mode: LogIdentity['mode']) => LogIdentity;
}
