/**
 * Why a proposed entry is not taken. The kinds throw this; the log gives each code its status and each wire its words.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

export type EntryRefusalCode = 'invalid-entry' | 'entry-too-large' | 'algorithm-not-allowed' | 'signature-mismatch';

/** `detail` says what was expected and what came, and is sent to whoever proposed the entry. */
export class EntryRefusal extends ChanceryError<EntryRefusalCode> {
	readonly detail: string;

	constructor(code: EntryRefusalCode, detail: string, cause?: unknown) {
		super(code, `${code}: ${detail}`, cause === undefined ? undefined : { cause });
		this.detail = detail;
	}
}

export function invalidEntry(detail: string, cause?: unknown): EntryRefusal {
	return new EntryRefusal('invalid-entry', detail, cause);
}

export function signatureMismatch(detail: string): EntryRefusal {
	return new EntryRefusal('signature-mismatch', detail);
}
