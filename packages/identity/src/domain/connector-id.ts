/** Who vouched for an identity, as tokens (`federated_claims.connector_id`) and certificates name it. */
import { z } from 'zod';

/** A URL by convention; at most 2048 characters of printable ASCII without spaces. */
export const connectorId = z
	.string()
	.min(1)
	.max(2048)
	.regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces');
