/** Files: bundles, trusted roots, signing configurations, TUF metadata, configuration and its key URIs, marks; and tokens of clients. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema as caSchema } from '@chancery/ca/config';
import { ConfigError, loadConfig, parseSection } from '@chancery/chassis/config/config';
import { ClientError } from '@chancery/client/client-error';
import { readIdentityToken } from '@chancery/client/identity-token';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { KeyError } from '@chancery/keys/key-error';
import { parsePkcs11Uri } from '@chancery/keys/pkcs11/pkcs11-uri';
import { readFileMark } from '@chancery/postgres/mark/file-mark';
import { MarkError } from '@chancery/postgres/mark/mark';
import { configSchema as tsaSchema } from '@chancery/tsa/config';
import { type Role, tufKey } from '@chancery/tuf/metadata/metadata';
import { encodeMetadata, parseMetadata } from '@chancery/tuf/metadata/signed-metadata';
import { identifyKey, publicKeyOf } from '@chancery/tuf/metadata/tuf-keys';
import { openBundle } from '@chancery/verify/bundle-content';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { VerifyError } from '@chancery/verify/verify-error';
import { encodeBundle, parseBundle } from '@chancery/wire/bundle';
import { clientTrustConfig, parseSigningConfig, signingConfig } from '@chancery/wire/signing-config';
import { parseTrustedRoot, trustedRoot } from '@chancery/wire/trusted-root';
import {
	anyOf,
	complaint,
	domainError,
	formatError,
	type ParserUnderTest,
	parser,
	sameBytes,
	sameText,
	textOf,
	zodError,
} from './parser-under-test.ts';
import { seed, seedsLike, seedText } from './seeds.ts';

const BUNDLES = seedsLike(/bundle$/).filter((one) => new TextDecoder().decode(one).includes('mediaType'));
const ROLES: readonly Role[] = ['root', 'targets', 'snapshot', 'timestamp'];

const folder = mkdtempSync(join(tmpdir(), 'chancery-mangle-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const base = join(folder, 'base.yaml');
writeFileSync(base, 'ca:\n  publicUrl: https://ca.example\ntsa:\n  admin: {}\n');

export const FILE_PARSERS: readonly ParserUnderTest[] = [
	parser({
		name: 'bundle',
		seeds: BUNDLES,
		share: 0.5,
		refusals: anyOf(formatError, zodError),
		parse: (input) => parseBundle(parseJson(input)),
		check: (bundle) =>
			sameText(JSON.stringify(parseBundle(JSON.parse(JSON.stringify(encodeBundle(bundle))))), JSON.stringify(bundle)),
	}),
	parser({
		name: 'bundle, opened',
		seeds: BUNDLES,
		share: 0.5,
		refusals: anyOf(formatError, ordinaryVerifyError('bundle-malformed', 'certificate-invalid')),
		parse: (input) => openBundle(parseJson(input)),
		check: ({ signed }) => (signed.signature.length > 0 ? undefined : 'it has no signature'),
	}),
	parser({
		name: 'trusted_root.json',
		seeds: [seed('trusted_root.json')],
		share: 0.5,
		refusals: anyOf(formatError, zodError),
		parse: (input) => parseTrustedRoot(parseJson(input)),
		check: (root) =>
			sameText(
				JSON.stringify(parseTrustedRoot(JSON.parse(JSON.stringify(trustedRoot.encode(root))))),
				JSON.stringify(root),
			),
	}),
	parser({
		name: 'trusted root, opened',
		seeds: [seed('trusted_root.json')],
		share: 0.5,
		refusals: anyOf(formatError, ordinaryVerifyError('trusted-root-malformed')),
		parse: (input) => openTrustedRoot(parseJson(input)),
		check: ({ tlogs, ctlogs }) =>
			[...tlogs, ...ctlogs].every(
				({ validity, hostNames }) => !Number.isNaN(validity.start.getTime()) && hostNames.length > 0,
			)
				? undefined
				: 'a log has no time or no name',
	}),
	parser({
		name: 'signing_config.json',
		seeds: [seed('signing_config.v0.2.json')],
		refusals: anyOf(formatError, zodError),
		parse: (input) => parseSigningConfig(parseJson(input)),
		check: (config) =>
			sameText(
				JSON.stringify(parseSigningConfig(JSON.parse(JSON.stringify(signingConfig.encode(config))))),
				JSON.stringify(config),
			),
	}),
	parser({
		name: 'client trust configuration',
		seeds: [seed('client_trust_config.json')],
		share: 0.5,
		refusals: anyOf(formatError, zodError),
		parse: (input) => clientTrustConfig.parse(parseJson(input)),
		check: (config) =>
			sameText(
				JSON.stringify(clientTrustConfig.parse(JSON.parse(JSON.stringify(clientTrustConfig.encode(config))))),
				JSON.stringify(config),
			),
	}),
	...ROLES.map((role) =>
		parser({
			name: `TUF ${role} metadata`,
			seeds: [seed(`${role}.json`)],
			share: 0.5,
			refusals: domainError('invalid-metadata'),
			parse: (input) => parseMetadata(input, role),
			check: (metadata) =>
				sameText(JSON.stringify(parseMetadata(encodeMetadata(metadata, role), role)), JSON.stringify(metadata)),
		}),
	),
	parser({
		name: 'TUF key',
		seeds: [
			JSON.stringify(identifyKey(ed25519Key()).key),
			JSON.stringify({
				keytype: 'ecdsa',
				scheme: 'ecdsa-sha2-nistp256',
				keyval: { public: seedText('v1 public key') },
			}),
		],
		refusals: formatError,
		parse: (input) => tufKeyOf(input),
		check: (spki) => (spki.length > 0 ? undefined : 'the key is empty'),
	}),
	parser({
		name: 'identity token, read by a client',
		seeds: [seed('token')],
		refusals: (error) => error instanceof ClientError && error.code === 'token-malformed',
		parse: (input) => readIdentityToken(textOf(input)),
		check: ({ raw, subject, issuer, expiresAt }, input) => {
			if (typeof subject !== 'string' || typeof issuer !== 'string') return 'subject or issuer is no text';
			if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) return 'its end is no time';
			return sameText(raw, textOf(input).trim());
		},
	}),
	parser({
		name: 'configuration',
		seeds: [
			'tsa:\n  publicUrl: https://tsa.example\n  chainPem: |\n    -----BEGIN\n  policyOid: 1.2.3\n',
			'{"tsa":{"publicUrl":"http://localhost","chainPem":"x","accuracySeconds":2,"acceptedPolicyOids":["1.2.3"]}}',
			'x: &a {b: 1}\ny: *a\ntsa: {publicUrl: "https://tsa.example", chainPem: x}\n',
			'profile: development\nallow: [plain-urls]\ntsa: {publicUrl: "http://tsa.example", chainPem: x}\n',
		],
		share: 0.1,
		refusals: (error) => error instanceof ConfigError,
		parse: async (input) => {
			const path = join(folder, 'config.yaml');
			writeFileSync(path, input);
			const { sections } = await loadConfig(path, {});
			if (sections.ca !== undefined) parseSection('ca', caSchema, sections.ca);
			return parseSection('tsa', tsaSchema(), sections.tsa);
		},
		check: (config) => sameText(JSON.stringify(parseSection('tsa', tsaSchema(), config)), JSON.stringify(config)),
	}),
	parser({
		name: 'configuration in the environment',
		seeds: [
			'CHANCERY_TSA__ACCURACY_SECONDS=2',
			'CHANCERY_TSA__ACCEPTED_POLICY_OIDS=[1.2.3, "1.2.4"]',
			'CHANCERY_TSA={}',
			'CHANCERY_TSA__A__B=[&a 1, 2]',
			'CHANCERY_TSA__ADMIN__LISTEN=null',
			'CHANCERY_PROFILE=development',
			'CHANCERY_ALLOW=[plain-urls, unverified-email]',
		],
		share: 0.1,
		refusals: (error) => error instanceof ConfigError,
		parse: (input) => {
			// A process gets no zero bytes from its environment.
			const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(textOf(input).replaceAll('\0', '')) ?? [];
			return loadConfig(base, { [name]: value }).then(({ sections }) => sections);
		},
		// Wherever the name leads, it is a place in a section, and everything else stays.
		check: (sections) =>
			complaint(
				!Object.values(sections).every((section) => section !== null && typeof section === 'object') &&
					'a section is no mapping',
				sections.ca?.publicUrl !== 'https://ca.example' && 'what nobody named has changed',
				Object.getPrototypeOf(sections) !== Object.prototype && 'the prototype has changed',
				'polluted' in {} && 'a prototype is polluted',
			),
	}),
	parser({
		name: 'PKCS#11 URI',
		seeds: [
			'pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so',
			'pkcs11:token=The%20CA;object=issuer;id=%01%ff;type=private?module-path=/usr/lib/softhsm/libsofthsm2.so',
			"PKCS11:serial=:[]@!$'()*+,=&;slot-id=7;library-version=2.40;model=%C3%A9?module-path=/a%20b",
		],
		refusals: (error) => error instanceof KeyError && error.code === 'bad-uri',
		parse: (input) => parsePkcs11Uri(textOf(input)),
		// The name goes into logs: it must never reach behind the question mark, where a PIN may stand.
		check: ({ name, modulePath }, input) =>
			complaint(
				name.includes('?') && 'its name goes on behind the question mark',
				!modulePath.startsWith('/') && 'its module has no absolute path',
				sameText(
					name,
					textOf(input)
						.split('?')[0]!
						.replace(/^pkcs11/i, 'pkcs11'),
				),
			),
	}),
	parser({
		name: 'mark file',
		seeds: [seed('mark')],
		share: 0.1,
		refusals: (error) => error instanceof MarkError,
		parse: async (input) => {
			const path = join(folder, 'mark');
			writeFileSync(path, input);
			return readFileMark(path);
		},
		// A mark carries a checksum, so that nothing but the mark itself can come out of a damaged one.
		check: (_mark, input) => sameBytes(input, seed('mark')),
	}),
];

/** A refusal whose cause is one of the parsers', not a fault of ours that was taken for a malformed file. */
function ordinaryVerifyError(...codes: readonly string[]): (error: unknown) => boolean {
	return (error) =>
		error instanceof VerifyError &&
		codes.includes(error.code) &&
		(error.cause === undefined || zodError(error.cause) || error.cause instanceof FormatError);
}

function ed25519Key(): Uint8Array {
	return Uint8Array.from([...Buffer.from('302a300506032b6570032100', 'hex'), ...new Uint8Array(32).fill(3)]);
}

function tufKeyOf(input: Uint8Array): Uint8Array {
	const key = tufKey.safeParse(parseJson(input));
	if (!key.success) throw new FormatError('TUF key', 'breaks its schema');
	return publicKeyOf(key.data);
}
