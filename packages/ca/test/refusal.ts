/**
 * The shape of a refusal on Fulcio's wire.
 */
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';

type Response = Awaited<ReturnType<FastifyInstance['inject']>>;

export function expectRefusal(
	response: Response,
	expected: { status: number; code: number; sentence: string; reason: string },
): void {
	expect(response.headers['content-type']).toBe('application/json');
	const body = response.json();
	expect({ status: response.statusCode, code: body.code, reason: body.details[0].reason }).toEqual({
		status: expected.status,
		code: expected.code,
		reason: expected.reason,
	});
	expect(body.message.startsWith(expected.sentence)).toBe(true);
	expect(body.details[0]['@type']).toBe('type.googleapis.com/google.rpc.ErrorInfo');
	expect(response.headers['x-request-id']).toBe(body.details[0].metadata.requestId);
}
