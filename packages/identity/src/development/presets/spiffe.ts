/** Claims of a JWT-SVID (SPIFFE, "JWT-SVID" section 3): the subject is the SPIFFE ID, and there is little else. */
import type { Claims, TokenPreset } from './preset.ts';

export const spiffe: TokenPreset = {
	claims: (given: Claims): Claims => ({ sub: 'spiffe://example.org/ns/default/sa/builder', ...given }),
	hasAudienceList: true,
};
