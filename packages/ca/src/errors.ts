/**
 * Every refusal of the certificate authority and what it looks like on Fulcio's wire: the only place that knows
 * statuses. A bad token is 400 and not 401, because that is what clients have always been answered. What passes by itself is
 * 503, where upstream says 400 or 500: its clients repeat the one and give up on the others.
 */
import type { ErrorTable, RenderedError } from '@chancery/chassis/http/error-rendering';
import { TOKEN_ERRORS, TOKEN_SENTENCE } from '@chancery/chassis/tokens/token-errors';
import { z } from 'zod';

const GRPC = { invalidArgument: 3, notFound: 5, permissionDenied: 7, unimplemented: 12, internal: 13, unavailable: 14 };

/** Upstream's first sentences. Clients print them and people search for them, so that they stay as they are. */
export const SENTENCES = {
	token: TOKEN_SENTENCE,
	key: 'The public key supplied in the request could not be parsed',
	weakKey: 'The public key supplied in the request is insecure',
	csr: 'The certificate signing request could not be parsed',
	proof: 'The signature supplied in the request could not be verified',
	ctLog: 'Error entering certificate in CTL',
	sct: 'Error marshaling signed certificate timestamp',
	certificate: 'Error marshaling code signing certificate',
	backend: 'error communicating with CA backend',
} as const;

const refused = (title: string) => ({ status: 400, title, grpcCode: GRPC.invalidArgument });
const failed = (title: string) => ({ status: 500, title, grpcCode: GRPC.internal });
/** What a repeat may find mended. Answers with this status always carry `Retry-After`, which clients of this wire heed. */
const passing = (title: string) => ({ status: 503, title, grpcCode: GRPC.unavailable });

export const ERRORS = {
	// The identity token
	...TOKEN_ERRORS,
	'email-not-verified': refused(SENTENCES.token),
	'identity-not-allowed': { status: 403, title: 'The identity is not allowed here', grpcCode: GRPC.permissionDenied },
	// The key
	'csr-malformed': refused(SENTENCES.csr),
	'csr-algorithm-unknown': refused('unrecognized signature algorithm'),
	'key-malformed': refused(SENTENCES.key),
	'key-insecure': refused(SENTENCES.weakKey),
	'proof-invalid': refused(SENTENCES.proof),
	'algorithm-not-permitted': refused('signing algorithm not permitted'),
	// Our own side
	'ca-overloaded': passing('The authority has more requests than it can take'),
	'ct-log-unavailable': passing(SENTENCES.ctLog),
	'ct-log-failed': failed(SENTENCES.ctLog),
	'sct-invalid': failed(SENTENCES.sct),
	'certificate-defective': failed(SENTENCES.certificate),
	'signer-failed': failed(SENTENCES.backend),
	'chain-not-valid-now': failed(SENTENCES.backend),
	'store-unavailable': passing('The database does not answer'),
	// What every gateway of this family answers
	'body-too-large': refused('http: request body too large'),
	'not-found': { status: 404, title: 'Not Found', grpcCode: GRPC.notFound },
	'method-not-allowed': { status: 501, title: 'Method Not Allowed', grpcCode: GRPC.unimplemented },
} as const satisfies ErrorTable;

export type ErrorCode = keyof typeof ERRORS;

const gatewayBody = z.looseObject({ code: z.int(), message: z.string() });

/** Puts the gateway's own sentence in front where the chassis has raised the error in its words. */
export function inGatewayWords(rendered: RenderedError): RenderedError {
	if (rendered.code !== 'body-too-large') return rendered;
	const body = gatewayBody.parse(JSON.parse(rendered.body));
	const message = `${ERRORS['body-too-large'].title}: ${body.message}`;
	return { ...rendered, body: JSON.stringify({ ...body, message }) };
}
