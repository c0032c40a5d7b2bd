/**
 * Which way of verifying ECDSA over a digest is in use: the fastest that this Node offers and that gives the known
 * answers. They all agree (the Wycheproof sets say so), so the choice is only one of speed. Verifications per CPU second
 * on the machine of reference, with the reading of the key:
 *
 *                      P-256    P-384    P-521
 *     shifted-key      6,200      640      280
 *     noble              570      260      135
 *
 * For comparison, OpenSSL where the message is known: 15,600, 1,600, 700.
 *
 * Two others were measured and are not here. Three calls of ECDH instead of a shifted key: 3,800, 190, 80. OpenSSL's
 * `ECDSA_verify` through `node:ffi`: 14,300, 1,600, 700, but it is experimental and memory-unsafe, so it would have to
 * live in a process apart.
 */

import { KeyError } from '../key-error.ts';
import type { EcdsaBackend, EcdsaBackendName } from './ecdsa-backend.ts';
import { nativeBackend } from './ecdsa-native.ts';
import { nobleBackend } from './ecdsa-noble.ts';
import { ecdsaSelfTest } from './ecdsa-self-test.ts';
import { shiftedKeyBackend } from './ecdsa-shifted-key.ts';

/** Fastest first. */
export const ECDSA_BACKENDS: readonly EcdsaBackend[] = [nativeBackend(), shiftedKeyBackend, nobleBackend];

/** Whether each that was asked has passed; a process asks each once. */
const passed = new Map<EcdsaBackend, boolean>();
let chosen: EcdsaBackend | undefined;

/**
 * The fastest of `candidates` that is offered and passes its self-test; the one called `name`, when a name is given.
 * @throws {KeyError} `self-test-failed` when that one is not there or fails, or none is left
 */
export function chooseDigestBackend(
	name?: EcdsaBackendName,
	candidates: readonly EcdsaBackend[] = ECDSA_BACKENDS,
): EcdsaBackend {
	const wanted = name === undefined ? candidates : candidates.filter((candidate) => candidate.name === name);
	const failures: string[] = [];
	for (const backend of wanted) {
		const failure = backend.isOffered() ? selfTestOnce(backend) : 'not offered by this Node';
		if (failure === undefined) return backend;
		failures.push(`${backend.name}: ${failure}`);
	}
	throw new KeyError('self-test-failed', `no way to verify ECDSA over a digest (${failures.join('; ')})`);
}

/** The one that `verifyDigest` takes by itself, chosen at its first use. @throws {KeyError} `self-test-failed` */
export function defaultDigestBackend(): EcdsaBackend {
	chosen ??= chooseDigestBackend();
	return chosen;
}

function selfTestOnce(backend: EcdsaBackend): string | undefined {
	if (passed.get(backend)) return undefined;
	const failure = ecdsaSelfTest(backend);
	passed.set(backend, failure === undefined);
	return failure;
}
