/**
 * Claims in the form of a Google service account, as the metadata server of a virtual machine gives them with
 * `format=standard` and the e-mail address included.
 */
import { imaginedNumber } from './imagined.ts';
import { type Claims, type TokenPreset, textClaim } from './preset.ts';

export const google: TokenPreset = { claims: googleClaims };

function googleClaims(given: Claims): Claims {
	const email = textClaim(given, 'email', 'release@project.iam.gserviceaccount.com');
	const id = textClaim(given, 'sub', imaginedNumber(email));
	return { sub: id, azp: id, email, email_verified: true, ...given };
}
