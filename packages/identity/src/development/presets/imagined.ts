/** Identifiers as real systems give them. The same text always has the same one, so that tokens of one project agree. */
import { toHex, utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';

/** Forty hexadecimal digits, like a git commit. */
export function imaginedCommit(text: string): string {
	return toHex(sha256(utf8(text))).slice(0, 40);
}

/** Lower-case, with the version and variant bits of a random UUID (RFC 9562 section 5.4). */
export function imaginedUuid(text: string): string {
	const hex = toHex(sha256(utf8(`uuid of ${text}`)));
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Twenty-four hexadecimal digits, like an object id of MongoDB. */
export function imaginedObjectId(text: string): string {
	return toHex(sha256(utf8(`object id of ${text}`))).slice(0, 24);
}

/** Twenty-one decimal digits, the first not zero. */
export function imaginedNumber(text: string): string {
	const number = BigInt(`0x${toHex(sha256(utf8(`number of ${text}`)))}`) % 10n ** 20n;
	return `1${number.toString().padStart(20, '0')}`;
}
