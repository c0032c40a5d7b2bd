/**
 * Where the signing keys of an issuer come from: its discovery document, asked with the authorities of the system or with
 * its own (`caFile`), or the configuration (`jwks`, `jwksFile`) where no way leads to the issuer, as on a network of its own.
 */
import { readFileSync, statSync } from 'node:fs';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { readJwk } from '@chancery/keys/jwk';
import { createHttpTransport } from '@chancery/net/http-transport';
import { readAuthorityFile, TlsTrustError } from '@chancery/net/tls-authorities';
import { fetchTransport, type Transport } from '@chancery/net/transport';
import type { JWK } from 'jose';
import { z } from 'zod';
import { privateMemberOf } from './private-members.ts';

const MAX_FILE_BYTES = 256 * 1024;
export const MAX_KEYS = 100;

/** What a public key says of itself (RFC 7517 section 4, RFC 7518 section 6); nothing else of a configured key is kept. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'alg', 'use', 'key_ops', 'crv', 'x', 'y', 'n', 'e'] as const;
/** `use` of a key of a SPIFFE trust bundle that checks tokens (SPIFFE Trust Domain and Bundle, section 4.2). */
const SPIFFE_TOKEN_USE = 'jwt-svid';

const keyText = z.string().max(4096).optional();
const configuredJwk = z.looseObject({
	kty: z.string(),
	kid: keyText,
	alg: keyText,
	use: keyText,
	key_ops: z.array(z.string()).max(20).optional(),
});
const configuredSet = z.looseObject({
	keys: z.array(configuredJwk).min(1).max(MAX_KEYS),
});

/** Public keys only, at least one of which can check tokens. To whoever lists the settings a key set is one value. */
const publicKeys = z
	.unknown()
	.pipe(configuredSet)
	.transform(({ keys }, context): readonly JWK[] => {
		// Whoever has one of these signs as the issuer, and a configuration is copied to many places.
		const leaked = keys.map(privateMemberOf).find((name) => name !== undefined);
		if (leaked !== undefined)
			context.addIssue(
				`a key has the private member '${leaked}': write public keys, and replace this one at its issuer`,
			);
		const usable = keys.map(publicPart).filter((key) => (key.use ?? 'sig') === 'sig' && readJwk(key) !== undefined);
		if (usable.length === 0) context.addIssue('no key is one that tokens can be checked with');
		return usable;
	});

/** The fields that the settings of every issuer have, whatever service they are for; `checkKeySource` goes with them. */
export const issuerKeySource = {
	jwks: publicKeys
		.optional()
		.describe(
			'Key set of the issuer (RFC 7517), public keys only, when it cannot be asked. Default: its discovery document is fetched. A new key is added here, and the service restarted, before the issuer signs with it.',
		),
	jwksFile: fileOf(readKeySetFile)
		.optional()
		.describe(
			'JSON file with the key set, 256 KiB at most, in the place of `jwks`. Read at the start only: a changed file takes a restart. Default none.',
		),
	caFile: fileOf((path) => readAuthorityFile(path, 'caFile'))
		.optional()
		.describe(
			'PEM file with the authorities that vouch for the TLS certificate of the issuer; for it, no others are believed then. Read at the start only. Default: the roots of the system.',
		),
} as const;

export interface IssuerKeySource {
	readonly jwks?: readonly JWK[] | undefined;
	readonly jwksFile?: readonly JWK[] | undefined;
	/** PEM of each authority. */
	readonly caFile?: readonly string[] | undefined;
}

/** The keys that the configuration has of an issuer; undefined when the issuer is asked for them. */
export function configuredKeys({ jwks, jwksFile }: IssuerKeySource): readonly JWK[] | undefined {
	return jwks ?? jwksFile;
}

/** The way to an issuer that is asked. */
export function transportTo({ caFile }: IssuerKeySource, fetcher: typeof fetch): Transport {
	return caFile ? createHttpTransport({ authorities: caFile }) : fetchTransport(fetcher);
}

/** Refinement of settings with these fields: an issuer has one source of keys. */
export function checkKeySource(settings: IssuerKeySource, context: z.RefinementCtx): void {
	const named = (Object.keys(issuerKeySource) as (keyof IssuerKeySource)[]).filter((name) => settings[name]);
	if (named.length > 1)
		context.addIssue({ code: 'custom', message: `has ${named.join(' and ')}, of which one must go`, input: settings });
}

function publicPart(key: z.output<typeof configuredJwk>): JWK {
	const kept = Object.fromEntries(
		PUBLIC_MEMBERS.filter((name) => Object.hasOwn(key, name)).map((name) => [name, key[name]]),
	);
	if (kept.use === SPIFFE_TOKEN_USE) delete kept.use;
	return kept as unknown as JWK;
}

/** A path that is read once, while the configuration is parsed: so `config check` finds what is wrong with the file. */
function fileOf<T>(read: (path: string) => T) {
	return z
		.string()
		.min(1)
		.transform((path, context): T => {
			try {
				return read(path);
			} catch (error) {
				context.addIssue(problemOf(error, path));
				return z.NEVER;
			}
		});
}

function readKeySetFile(path: string): readonly JWK[] {
	const found = statSync(path);
	// A pipe waits for a writer, and a device may have no end.
	if (!found.isFile()) throw new FormatError('key set', 'is no file');
	if (found.size > MAX_FILE_BYTES) throw new FormatError('key set', `is longer than ${MAX_FILE_BYTES} bytes`);
	return publicKeys.parse(parseJson(readFileSync(path), { maxDepth: 16 }));
}

/** Never a part of the file: the operator may have named one with secrets. @throws what is a fault of ours */
function problemOf(error: unknown, path: string): string {
	if (error instanceof TlsTrustError) return error.message;
	if (error instanceof FormatError) return `the file ${path} is no key set: ${error.message}`;
	if (error instanceof z.ZodError) {
		const [issue] = error.issues;
		return `the file ${path} is no key set: ${issue?.path.join('.')}: ${issue?.message}`;
	}
	if (error instanceof Error && 'code' in error) return `the file ${path} cannot be read (${String(error.code)})`;
	throw error;
}
