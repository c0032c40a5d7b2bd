/**
 * The backends that this Node has for verifying a signature over a digest alone: a dimension of the matrix. The configuration tells the
 * server which one to use.
 */
import { chooseDigestBackend, ECDSA_BACKENDS } from '@chancery/keys/digest/digest-backend';
import { ECDSA_BACKEND_NAMES, type EcdsaBackendName } from '@chancery/keys/digest/ecdsa-backend';

export type BackendChoice = EcdsaBackendName;

/** All backends that the server knows, available here or not. */
export const KNOWN_BACKENDS: readonly BackendChoice[] = ECDSA_BACKEND_NAMES;

/** Fastest first; the server uses the first one by default. */
export function offeredBackends(): BackendChoice[] {
	return ECDSA_BACKENDS.filter((backend) => backend.isOffered()).map(({ name }) => name);
}

/** The server's default. */
export function usualBackend(): BackendChoice {
	return chooseDigestBackend().name;
}
