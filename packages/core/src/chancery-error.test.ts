import { describe, expect, it } from 'vitest';
import { ChanceryError } from './chancery-error.ts';
import { FormatError } from './format-error.ts';
import { NoteError } from './note.ts';
import { ProofError } from './proof.ts';

describe('an error that is thrown on purpose', () => {
	it.each([
		[new FormatError('DER', 'too short'), 'FormatError', 'malformed', 'DER: too short'],
		[new NoteError('bad-signature', 'by log.example'), 'NoteError', 'bad-signature', 'signed note: by log.example'],
		[new ProofError('no path'), 'ProofError', 'proof-invalid', 'no path'],
	])('%s is of the one root, with its name, a stable code and its words', (error, name, code, message) => {
		expect(error).toBeInstanceOf(ChanceryError);
		expect({ name: error.name, code: error.code, message: error.message }).toEqual({ name, code, message });
		expect(Object.keys(error)).not.toContain('cause');
	});

	it('keeps its cause', () => {
		const cause = new Error('deep');
		expect(new FormatError('DER', 'bad', { cause }).cause).toBe(cause);
	});
});
