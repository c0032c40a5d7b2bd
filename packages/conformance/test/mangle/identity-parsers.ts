/** Claims of identity providers on their way into a certificate, and signatures as numbers. */
import { isDeepStrictEqual } from 'node:util';
import { ISSUER_TYPES, issuerSettings } from '@chancery/ca/tested/issuer-types';
import { encodeCertificate, sharedTbs } from '@chancery/ca/tested/leaf-certificate';
import { identify } from '@chancery/ca/tested/principal';
import { utf8 } from '@chancery/core/bytes';
import { parseCertificate, subjectAltNames } from '@chancery/core/certificate';
import { derInteger, derSequence } from '@chancery/core/der';
import { readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { parseJson } from '@chancery/core/json';
import { numberToBytes, readEcdsaSignature } from '@chancery/keys/digest/ecdsa-signature';
import { signatureOfModule } from '@chancery/keys/pkcs11/pkcs11-public-key';
import {
	anyOf,
	complaint,
	domainError,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	sameText,
} from './parser-under-test.ts';
import { seedText } from './seeds.ts';

const spki = parseCertificate(Buffer.from(certificateBase64(), 'base64')).publicKey;

export const IDENTITY_PARSERS: readonly ParserUnderTest[] = [
	...ISSUER_TYPES.map((type) =>
		parser({
			name: `claims of type ${type.name}, certified`,
			seeds: type.examples
				.filter(({ settings }) => isDeepStrictEqual(Object.keys(settings), Object.keys(settingsOf(type))))
				.map(({ claims }) => JSON.stringify(claims)),
			refusals: anyOf(
				formatError,
				domainError(
					'claim-missing',
					'claim-malformed',
					'email-not-verified',
					'identity-not-allowed',
					'token-malformed',
				),
			),
			parse: (input) => {
				const claims = parseJson(input, { maxDepth: 16 });
				if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined;
				const settings = issuerSettings.parse({ type: type.name, ...settingsOf(type) });
				return identify({ settings, claims: claims as Record<string, unknown> });
			},
			// What a reader of the certificate finds is what the provider said.
			check: (identity) => {
				if (!identity) return undefined;
				const certificate = parseCertificate(certified(identity));
				const [name] = subjectAltNames(certificate);
				const { subject } = readFulcioExtensions(certificate);
				return complaint(
					sameText(name?.value ?? '', identity.subject.value),
					sameText(subject ?? '', identity.extensions.subject ?? ''),
				);
			},
		}),
	),
	parser({
		name: 'ECDSA signature',
		seeds: [
			derSequence(derInteger(1), derInteger(new Uint8Array(32).fill(0x7f))),
			derSequence(derInteger(utf8('a'.repeat(32))), derInteger(2)),
		],
		refusals: () => false,
		parse: (input) => ({ numbers: readEcdsaSignature('P-256', input), input }),
		check: ({ numbers, input }) =>
			numbers &&
			sameBytes(derSequence(derInteger(numberToBytes(numbers.r, 32)), derInteger(numberToBytes(numbers.s, 32))), input),
	}),
	parser({
		name: 'signature of a token',
		seeds: [new Uint8Array(64).fill(0x7f), Uint8Array.of(...new Uint8Array(31), 1, 0x80, ...new Uint8Array(31))],
		refusals: formatError,
		parse: (input) => readEcdsaSignature('P-256', signatureOfModule('P-256', input)),
		// Zero and what is beyond the order are written like all numbers, and then refused by whoever verifies.
		check: (numbers, input) =>
			numbers && sameBytes(Uint8Array.of(...numberToBytes(numbers.r, 32), ...numberToBytes(numbers.s, 32)), input),
	}),
];

function settingsOf({ examples }: (typeof ISSUER_TYPES)[number]): object {
	return examples[0]?.settings ?? {};
}

function certified({ subject, extensions }: ReturnType<typeof identify>): Uint8Array {
	const { encoded: tbs } = sharedTbs({
		serial: new Uint8Array(20).fill(1),
		issuerName: derSequence(),
		signatureAlgorithm: 'ecdsa-sha2-256-nistp256',
		notBefore: new Date(0),
		notAfter: new Date(600_000),
		publicKey: spki,
		authorityKeyId: new Uint8Array(20),
		subject,
		extensions,
	});
	return encodeCertificate(tbs, 'ecdsa-sha2-256-nistp256', new Uint8Array(70));
}

function certificateBase64(): string {
	return seedText('tsa chain').split('-----')[2] ?? '';
}
