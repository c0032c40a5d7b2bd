/** What Go and OpenSSL say about odd encodings, and what we say; see testdata/SOURCE.md. */
import { describe, expect, it } from 'vitest';
import { fromHex } from './bytes.ts';
import { parseCertificate } from './certificate.ts';
import { DerReader } from './der.ts';
import { FormatError } from './format-error.ts';
import table from './testdata/odd-der.json' with { type: 'json' };

interface OddEncoding {
	readonly kind: string;
	readonly name: string;
	readonly der: string;
	readonly go?: string;
	readonly openssl?: string;
	readonly ours: string;
	readonly why?: string;
}

const READERS: Readonly<Record<string, (der: DerReader) => unknown>> = {
	integer: (der) => der.integer(),
	boolean: (der) => der.boolean(),
	oid: (der) => der.oid(),
	bitString: (der) => der.bitString(),
	octetString: (der) => der.octetString(),
	null: (der) => der.null(),
	time: (der) => der.time(),
};

function verdict({ kind, der }: OddEncoding): 'accepts' | 'refuses' {
	const bytes = fromHex(der);
	try {
		if (kind === 'certificate') parseCertificate(bytes);
		else {
			const reader = new DerReader(bytes);
			READERS[kind]!(reader);
			reader.end();
		}
		return 'accepts';
	} catch (error) {
		expect(error).toBeInstanceOf(FormatError);
		return 'refuses';
	}
}

describe('odd encodings', () => {
	it.each(table as readonly OddEncoding[])('$ours $kind: $name', (row) => {
		expect(verdict(row)).toBe(row.ours);
		// Whoever reads otherwise than Go does says why.
		expect(row.why === undefined).toBe(row.go === undefined || row.go === row.ours);
	});

	it('takes no certificate from anybody that both OpenSSL and Go read, but for three that nobody should write', () => {
		const refused = (table as readonly OddEncoding[])
			.filter((row) => row.kind === 'certificate' && row.go === 'accepts' && row.openssl === 'accepts')
			.filter((row) => verdict(row) === 'refuses');
		expect(refused.map(({ name }) => name)).toEqual([
			'version 1 written out',
			'signature with unused bits',
			'validity in UTCTime without seconds',
		]);
	});
});
