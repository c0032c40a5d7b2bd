/**
 * ECDSA over a digest by @noble/curves: audited, JavaScript alone, an order of magnitude slower than OpenSSL on P-256.
 * It is there wherever we run, so it is what remains when nothing faster passes its self-test.
 */
import { concatBytes } from '@chancery/core/bytes';
import type { EcdsaBackend } from './ecdsa-backend.ts';
import { CURVES, numberToBytes } from './ecdsa-signature.ts';

export const nobleBackend: EcdsaBackend = {
	name: 'noble',
	isOffered: () => true,
	verify({ key, digest, r, s }) {
		const { verify, Point } = CURVES[key.curve];
		const compact = concatBytes(numberToBytes(r, Point.Fn.BYTES), numberToBytes(s, Point.Fn.BYTES));
		// A digest longer than the order is cut to its leftmost bits there (FIPS 186-5 section 6.4.2).
		return verify(compact, digest, key.ecPoint, { prehash: false, lowS: false, format: 'compact' });
	},
};
