/**
 * The verifier of a v1 entry, ready to be believed: parsed, and its chain verified where it has one.
 */
import type { CheckSignature } from './check-signature.ts';
import { invalidEntry } from './entry-refusal.ts';
import { base64Part } from './proposal.ts';
import { type PemVerifier, parsePemVerifier } from './verifier-key.ts';

/**
 * Reads base64 of PEM; `name` is where it stands in the proposal.
 * @throws {EntryRefusal} `invalid-entry`, `entry-too-large`; and what `checkSignature` throws
 */
export async function readPemVerifier(
	name: string,
	text: string,
	checkSignature: CheckSignature,
): Promise<PemVerifier> {
	const verifier = parsePemVerifier(base64Part(name, text));
	if (verifier.chain !== undefined && !(await checkSignature({ chain: verifier.chain })))
		throw invalidEntry(`${name} is a chain in which a certificate is not issued by the one behind it`);
	return verifier;
}
