/** A setting in PEM: certificates and public keys, as text or as the file that holds it. They are no secrets. */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

/** Schema of PEM text or `{ file: PATH }`; the output is the text. The file is read once, while the section is parsed. */
export function pem(maxBytes: number) {
	return z
		.union([
			z.string().max(maxBytes),
			z.strictObject({ file: z.string().min(1).describe('Path of the file that holds the PEM text.') }),
		])
		.transform((from, context) => {
			if (typeof from === 'string') return from;
			const found = read(from.file, maxBytes);
			if ('text' in found) return found.text;
			context.issues.push({ code: 'custom', message: `the file ${from.file} ${found.problem}`, input: from });
			return z.NEVER;
		});
}

function read(path: string, maxBytes: number): { readonly text: string } | { readonly problem: string } {
	try {
		if (statSync(path).size > maxBytes) return { problem: `is longer than ${maxBytes} bytes` };
		return { text: readFileSync(path, 'utf8') };
	} catch (error) {
		return { problem: `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})` };
	}
}
