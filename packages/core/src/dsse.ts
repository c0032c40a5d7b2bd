/**
 * The Dead Simple Signing Envelope, protocol version 1 (https://github.com/secure-systems-lab/dsse): what is signed is
 * not the payload but its pre-authentication encoding, which binds the payload's type.
 */
import { concatBytes, utf8 } from './bytes.ts';

/** PAE: `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, lengths in bytes as decimals. */
export function preAuthEncode(payloadType: string, payload: Uint8Array): Uint8Array {
	const type = utf8(payloadType);
	return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}
