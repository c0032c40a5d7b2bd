/**
 * What binds a log entry to the signature in the bundle: the body that the log keeps must speak of this signature,
 * by this key, over this content. How, the file of each kind says (`wire/kinds`).
 */
import { fromUtf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import type { BundledLogEntry } from '@chancery/wire/bundle';
import { BindingError, requireSame, type SignedContent } from '@chancery/wire/entries/signed-content';
import { findKind } from '@chancery/wire/kinds/entry-kinds';
import { z } from 'zod';
import { VerifyError } from './verify-error.ts';

const entryBody = z.looseObject({ kind: z.string(), apiVersion: z.string(), spec: z.unknown() });

/**
 * Checks that the body of `entry` speaks of `content`.
 * @throws {VerifyError} `log-entry-mismatch`
 */
export function checkEntryBinding(entry: BundledLogEntry, content: SignedContent): void {
	try {
		const { canonicalizedBody: bytes, kindVersion } = entry;
		const { kind, apiVersion, spec } = entryBody.parse(parseJson(fromUtf8(bytes)));
		const claimed = `${kindVersion.kind}/${kindVersion.version}`;
		requireSame('kind', claimed, `${kind}/${apiVersion}`);
		const known = findKind(kindVersion);
		if (!known?.checkBinding) throw new BindingError(`entries of kind ${claimed} are not supported`);
		known.checkBinding({ bytes, spec }, content);
	} catch (cause) {
		if (cause instanceof BindingError)
			throw new VerifyError('log-entry-mismatch', cause.message, { expected: cause.expected, found: cause.found });
		if (!(cause instanceof FormatError || cause instanceof z.ZodError)) throw cause;
		throw new VerifyError('log-entry-mismatch', `the body of the log entry is malformed: ${cause.message}`, { cause });
	}
}
