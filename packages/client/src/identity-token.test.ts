import { describe, expect, it } from 'vitest';
import { ISSUER, token } from '../test/signing-services.ts';
import { ClientError } from './client-error.ts';
import { readIdentityToken } from './identity-token.ts';

const part = (text: string) => Buffer.from(text).toString('base64url');
const jwt = (payload: string) => `${part('{"alg":"none"}')}.${part(payload)}.`;

describe('an identity token', () => {
	it.each([
		['the verified address', { email: 'a@b.example', email_verified: true }, 'a@b.example'],
		['the subject where the address is not verified', { email: 'a@b.example', email_verified: false }, 'alice'],
		['the subject where nobody says that it is', { email: 'a@b.example' }, 'alice'],
		['the subject where it is verified in words', { email: 'a@b.example', email_verified: 'true' }, 'alice'],
		['the subject where the address is none', { email: ['a@b.example'], email_verified: true }, 'alice'],
		['the subject', {}, 'alice'],
	])('is proved over %s', (_what, claims, subject) => {
		expect(readIdentityToken(token(claims))).toMatchObject({ subject, issuer: ISSUER });
	});

	it('may stand between line ends, as files hold it', () => {
		const raw = token({ exp: 1_800_000_000 });
		expect(readIdentityToken(`\n${raw}\r\n`)).toEqual({
			raw,
			issuer: ISSUER,
			subject: 'alice',
			expiresAt: new Date(1_800_000_000_000),
		});
	});

	it.each(['soon', 1e300, -1e300, 8_640_000_000_001, null])('has no end that can be said: %j', (exp) => {
		expect(readIdentityToken(token({ exp })).expiresAt).toBeUndefined();
	});

	it.each([
		['nothing', ''],
		['a word', 'x'],
		['two parts', 'a.b'],
		['five parts, an encrypted one', 'a.b.c.d.e'],
		['a payload that is no base64', `${part('{}')}.%%%.x`],
		['a payload that is no JSON', jwt('{')],
		['a payload that is no object', jwt('[]')],
		['null', jwt('null')],
		['a number', jwt('7')],
		['no issuer', token({ iss: undefined })],
		['an issuer that is no text', token({ iss: 7 })],
		['no subject', token({ sub: undefined })],
		['a subject that is no text', token({ sub: {} })],
		['more than any token', `${token({})}${'x'.repeat(70_000)}`],
	])('is not %s', (_what, raw) => {
		expect(() => readIdentityToken(raw)).toThrow(ClientError);
		expect(() => readIdentityToken(raw)).toThrow(expect.objectContaining({ code: 'token-malformed' }));
	});

	it('is not quoted when it is refused: it may be a secret', () => {
		const raw = token({ iss: 7 });
		const refusal = (() => {
			try {
				return readIdentityToken(raw);
			} catch (error) {
				return error as Error;
			}
		})();
		expect(`${(refusal as Error).message} ${(refusal as Error).cause}`).not.toContain(raw.split('.')[1]);
	});
});
