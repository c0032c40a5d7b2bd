/** Base64 from outside: the schema has looked at the alphabet, the decoder also wants the one canonical spelling. */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromBase64 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';

/** @throws {DomainError} with the code given, naming the field */
export function decodeBase64(text: string, field: string, code: string): Uint8Array {
	try {
		return fromBase64(text);
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw new DomainError(code, `${field} is not base64: ${error.message}`, { cause: error });
	}
}
