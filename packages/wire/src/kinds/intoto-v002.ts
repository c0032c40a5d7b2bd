/**
 * intoto 0.0.2: a DSSE envelope with its payload's hash in the place of the payload. Older entries of public logs are of
 * this kind; this log takes none.
 *
 *     {"apiVersion":"0.0.2","kind":"intoto","spec":{"content":{"envelope":{"payloadType":"...","signatures":
 *      [{"publicKey":"<base64 of PEM>","sig":"<base64 of base64>"}]},"hash":{"algorithm":"sha256","value":"<hex>"},
 *      "payloadHash":{"algorithm":"sha256","value":"<hex>"}}}}
 */
import { toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { z } from 'zod';
import { entryKindV1 } from '../entries/entry-kind.ts';
import { envelopeOf, requireSame, requireVerifier } from '../entries/signed-content.ts';

const storedSpec = z.looseObject({
	content: z.looseObject({
		envelope: z.looseObject({
			payloadType: z.string(),
			signatures: z.array(z.looseObject({ sig: z.string(), publicKey: z.string() })).length(1),
		}),
		payloadHash: z.looseObject({ algorithm: z.literal('sha256'), value: z.string() }),
	}),
});

export const intotoV002 = entryKindV1({
	kind: 'intoto',
	version: '0.0.2',
	checkBinding({ spec }, content) {
		const { envelope, payloadHash } = storedSpec.parse(spec).content;
		requireSame('payload hash', toHex(sha256(envelopeOf(content).payload)), payloadHash.value);
		requireSame('payload type', envelopeOf(content).payloadType, envelope.payloadType);
		// The signature stands in the body as base64 of the base64 in the envelope.
		requireSame('signature', toBase64(utf8(toBase64(content.signature))), envelope.signatures[0]?.sig);
		requireVerifier(content, envelope.signatures[0]?.publicKey ?? '');
	},
});
