/**
 * What a refusal looks like in each wire family. Every reply that a route does not list is one of these: the chassis
 * renders them, and the documentation shows them.
 */
import { z } from 'zod';

/**
 * - `grpc-gateway`: Fulcio and Rekor v2
 * - `code-message`: Rekor v1 and the timestamp authority
 * - `text`: RFC 6962 and TUF
 * - `problem`: our own interfaces (RFC 9457)
 */
export type RefusalFamily = 'grpc-gateway' | 'code-message' | 'text' | 'problem';

/** google.rpc.Status, with one google.rpc.ErrorInfo that names the reason. */
const gatewayRefusal = z.object({
	code: z.int().describe('google.rpc.Code'),
	message: z.string(),
	details: z.array(
		z.object({
			'@type': z.literal('type.googleapis.com/google.rpc.ErrorInfo'),
			reason: z.string().describe('What was refused, in a word that does not change'),
			domain: z.literal('chancery'),
			metadata: z.object({ requestId: z.string() }),
		}),
	),
});

const codeMessageRefusal = z.object({
	code: z.int().describe('The HTTP status'),
	message: z.string(),
	reason: z.string().describe('What was refused, in a word that does not change'),
	requestId: z.string(),
});

const problem = z.object({
	type: z.string().regex(/^urn:chancery:problem:/),
	title: z.string(),
	status: z.int(),
	detail: z.string(),
	instance: z.string().regex(/^urn:chancery:request:/),
	reason: z.string().describe('What was refused, in a word that does not change'),
});

/** Media type and body of a refusal. */
export const REFUSALS: Readonly<Record<RefusalFamily, { readonly contentType: string; readonly body: z.ZodType }>> = {
	'grpc-gateway': { contentType: 'application/json', body: gatewayRefusal },
	'code-message': { contentType: 'application/json', body: codeMessageRefusal },
	text: { contentType: 'text/plain; charset=utf-8', body: z.string() },
	problem: { contentType: 'application/problem+json', body: problem },
};
