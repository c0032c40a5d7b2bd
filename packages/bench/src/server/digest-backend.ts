/**
 * The ways of verifying a signature over a bare digest that this Node offers: a dimension of the matrix. The server is
 * told which one to take by its configuration.
 */
import { chooseDigestBackend, ECDSA_BACKENDS } from '@chancery/keys/digest/digest-backend';
import { ECDSA_BACKEND_NAMES, type EcdsaBackendName } from '@chancery/keys/digest/ecdsa-backend';

export type BackendChoice = EcdsaBackendName;

/** All that the server knows, offered here or not. */
export const KNOWN_BACKENDS: readonly BackendChoice[] = ECDSA_BACKEND_NAMES;

/** Fastest first; the first one is what the server takes by itself. */
export function offeredBackends(): BackendChoice[] {
	return ECDSA_BACKENDS.filter((backend) => backend.isOffered()).map(({ name }) => name);
}

/** What the server takes by itself. */
export function usualBackend(): BackendChoice {
	return chooseDigestBackend().name;
}
