/**
 * What `chancery init` has to be told. Everything else follows, and every answer stands in one small file that can be
 * kept with the instance: it holds no secret.
 */
import { dirname, resolve } from 'node:path';
import { configSchema as caConfig } from '@chancery/ca/config';
import { parseSection } from '@chancery/chassis/config/config';
import { instanceSchema } from '@chancery/chassis/config/production';
import { isLoopbackHost } from '@chancery/postgres/connection-security';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { HOST_NAME_PATTERN } from '../../instance/addresses.ts';
import { Refusal } from '../../instance/refusal.ts';
import type { ServiceName } from '../../port-offsets.ts';
import { RUNNING_SERVICES, SERVICES } from '../../services.ts';
import { HOLDER_KEYS, type HolderKeyName } from '../development-keys.ts';
import { readGivenFile } from './given-file.ts';
import { type TokenKey, tokenKey } from './token-key.ts';

/** An origin: clients drop a path from some of them, and log origins are made from the host. */
const origin = z
	.url({ protocol: /^https?$/ })
	.transform((url) => url.replace(/\/$/, ''))
	.refine(
		(url) => URL.canParse(url) && new URL(url).origin === url,
		'expected an origin such as https://ca.example.com',
	)
	.refine((url) => HOST_NAME_PATTERN.test(new URL(url).hostname), 'expected a host name, not an address');

const port = z.int().min(1).max(65_535);

/** A database: its URL where it holds no password, or where the URL is on the host that runs the service. */
const databaseUrl = z.union(
	[
		z
			.string()
			.regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
			.refine(holdsNoPassword, 'holds a password: write the URL into a file, and its path here as { file: PATH }'),
		z.strictObject({ file: z.string().min(1) }),
	],
	'expected a URL that begins with postgres:// and holds no password, or { file: PATH } where it is',
);

function holdsNoPassword(url: string): boolean {
	// Not every form that the driver takes is a URL to others: `postgres://me@/db?host=/run/postgresql` is none.
	return !/^[a-z]+:\/\/[^/?#]*:[^/?#]*@/i.test(url) && !/[?&]password=/i.test(url);
}

/** Keys in tokens, by names that a service or the keyholder has for them. */
function tokenKeys<Name extends string>(names: readonly Name[]) {
	const shape = Object.fromEntries(names.map((name) => [name, tokenKey.optional()]));
	return z.strictObject(shape as Record<Name, z.ZodOptional<typeof tokenKey>>);
}

const serviceKeys = z.strictObject(
	Object.fromEntries(
		SERVICES.filter(({ definition }) => Object.keys(definition.keys).length > 0).map(({ definition }) => [
			definition.name,
			tokenKeys(Object.keys(definition.keys)).optional(),
		]),
	),
);

/** What `init` writes itself. */
const IDENTITY_OWN = ['publicUrl', 'signingJwks', 'developmentSecret', 'listen', 'admin'];

export const answersSchema = z.strictObject({
	profile: z.enum(['development', 'production']).default('production'),
	allow: instanceSchema.shape.allow,
	organization: z
		.string()
		.min(1)
		.max(64)
		.regex(/^[\p{L}\p{N} .,&'()+-]+$/u, "expected letters, digits, spaces and . , & ' ( ) + -")
		.describe('Stands in the certificates of the CA and the timestamp authority'),
	urls: z
		.partialRecord(z.enum(RUNNING_SERVICES as [ServiceName, ...ServiceName[]]), origin)
		.describe('Where clients reach each service, for good: logs and certificates name it'),
	issuers: z
		.array(z.looseObject({ type: z.string(), issuer: z.url() }))
		.max(1000)
		.default([])
		.describe('Whose identity tokens the CA accepts, as in the section `ca` of the configuration'),
	identity: z
		.looseObject({
			developmentLogin: z.union([z.literal(true), z.literal('with-secret')]).optional(),
			connectors: z.array(z.looseObject({ type: z.string(), id: z.string() })).optional(),
			machineIssuers: z.array(z.looseObject({ name: z.string(), issuer: z.string() })).optional(),
			machineClients: z.array(z.looseObject({ id: z.string() })).optional(),
		})
		.optional()
		.describe(
			'A provider of our own, with settings as in the section `identity`: connectors to where people sign in, or for development a login that believes any address',
		),
	listen: z
		.strictObject({
			host: z.string().min(1).default('127.0.0.1'),
			portBase: port.max(65_526).default(7400),
			adminHost: z.string().min(1).default('127.0.0.1'),
			adminPortBase: port.max(65_526).default(7420),
			tls: z
				.strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) })
				.optional()
				.describe('Paths on the host that serves. Absent: plain HTTP, for a proxy on the same machine'),
		})
		.prefault({}),
	developmentTls: z
		.boolean()
		.optional()
		.describe('Only for development: makes a private TLS authority, and a certificate for the host name of all urls'),
	database: z.strictObject({ url: databaseUrl, maxConnections: z.int().min(1).max(1000).optional() }),
	marks: z
		.union(
			[
				z.strictObject({ folder: z.string().regex(/^\//, 'expected an absolute path on the host that serves') }),
				z.strictObject({ database: databaseUrl }),
			],
			'expected { folder: /absolute/path } for one host, or { database: URL } of another database',
		)
		.describe('Outside of the database and its backups: a folder for one host, another database for several'),
	keys: serviceKeys
		.optional()
		.describe('Keys that lie in an HSM: where each is, and its PIN. The others are made, as encrypted files'),
	existingPki: z
		.strictObject({
			rootFile: z.string().min(1),
			certifies: z
				.array(z.enum(['ca', 'tsa']))
				.min(1)
				.default(['ca', 'tsa']),
		})
		.optional()
		.describe(
			'Certificates that your own PKI issues: requests are made for it. Absent: a hierarchy of its own is made',
		),
	offline: z
		.strictObject({
			passphraseFile: z.string().min(1).optional(),
			keys: tokenKeys(Object.keys(HOLDER_KEYS) as HolderKeyName[]).optional(),
		})
		.prefault({})
		.describe('The keys that are taken away: of the roots, and of the keyholder'),
	hosts: z
		.record(
			z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
			z.strictObject({
				address: z.string().min(1).describe('Name or address under which the other hosts reach its admin listeners'),
				services: z.array(z.string()).min(1),
			}),
			{
				error: ({ code }) =>
					code === 'invalid_key' ? 'a host is named by lower-case letters, digits and dashes' : undefined,
			},
		)
		.optional()
		.describe('For separate hosts: which services run on each. Absent: all on one'),
	root: z
		.strictObject({ validForDays: z.int().min(30).max(3650).default(365) })
		.prefault({})
		.describe('The first root of trust'),
});

export type Answers = z.output<typeof answersSchema>;

/**
 * Reads the answers.
 * @throws {ConfigError} with every problem and the nearest known key; Refusal when the file cannot be read, or answers
 * contradict each other
 */
export async function readAnswers(path: string): Promise<Answers> {
	return parseAnswers(parseYaml(await readGivenFile(path, 'the answers'), path), dirname(path));
}

/**
 * Answers as they stand in a file. Paths that this command reads are relative to `folder`; those of the hosts that serve
 * are left as they are.
 * @throws {ConfigError | Refusal} as `readAnswers`
 */
export function parseAnswers(value: unknown, folder: string): Answers {
	const answers = parseSection('answers', answersSchema, value);
	// As the CA will read them, defaults left to it.
	if (answers.issuers.length > 0)
		parseSection('answers', z.object({ issuers: caConfig.shape.issuers }), { issuers: answers.issuers });
	refuseContradictions(answers);
	const { offline, existingPki } = answers;
	return {
		...answers,
		...(existingPki ? { existingPki: { ...existingPki, rootFile: resolve(folder, existingPki.rootFile) } } : {}),
		offline: {
			...offline,
			...(offline.passphraseFile === undefined ? {} : { passphraseFile: resolve(folder, offline.passphraseFile) }),
		},
	};
}

/** The key of a service that lies in a token; undefined: it is a file. */
export function keyInToken({ keys }: Answers, service: string, key: string): TokenKey | undefined {
	return keys?.[service]?.[key];
}

function parseYaml(text: string, path: string): unknown {
	const document = parseDocument(text, { uniqueKeys: true });
	const [problem] = [...document.errors, ...document.warnings];
	if (problem) throw new Refusal(`${path}:${problem.linePos?.[0].line ?? 1} is not valid YAML (${problem.code})`);
	try {
		return document.toJS({ maxAliasCount: 0 });
	} catch (cause) {
		throw new Refusal(`${path} cannot be read: it holds aliases`, { cause });
	}
}

function refuseContradictions(answers: Answers): void {
	const { profile, identity, urls, issuers, organization, hosts, marks, listen, developmentTls } = answers;
	const refuse = (what: string) => {
		throw new Refusal(`answers: ${what}`);
	};
	if (developmentTls && profile === 'production') refuse('developmentTls: not for production');
	if (developmentTls && new Set(Object.values(urls).map((url) => new URL(url as string).hostname)).size !== 1)
		refuse('developmentTls: all urls must have one host name');
	if (identity?.developmentLogin && profile === 'production')
		refuse('identity.developmentLogin: the development login is not for production');
	const { developmentLogin, connectors, machineIssuers, machineClients } = identity ?? {};
	if (identity && !developmentLogin && ![connectors, machineIssuers, machineClients].some((list) => list?.length))
		refuse(
			'identity: nobody could sign in there; give connectors, machineIssuers or machineClients, or developmentLogin for development',
		);
	const own = IDENTITY_OWN.find((name) => identity && Object.hasOwn(identity, name));
	if (own !== undefined) refuse(`identity.${own}: is made or follows from other answers; take it out`);
	if ((identity !== undefined) !== (urls.identity !== undefined))
		refuse('identity and urls.identity belong together: give both or neither');
	const exposed = [listen.host, ...(urls.identity === undefined ? [] : [new URL(urls.identity).hostname])].find(
		(host) => !isLoopbackHost(host),
	);
	if (developmentLogin === true && exposed !== undefined)
		refuse(
			`identity.developmentLogin: true is for loopback, and ${exposed} is not; if you mean it, write with-secret, and whoever signs in types the secret of the instance`,
		);
	if (!identity && issuers.length === 0) refuse('issuers: nobody could sign; name the issuer of your organization');
	if (profile === 'production' && /\bdevelopment\b/i.test(organization))
		refuse("organization: 'development' would mark the certificates as such, and production refuses them");
	const missing = RUNNING_SERVICES.filter((name) => name !== 'identity' && urls[name] === undefined);
	if (missing.length > 0) refuse(`urls: ${missing.join(', ')} missing`);
	const known = Object.values(urls).filter((url) => url !== undefined);
	const plain = known.find((url) => url.startsWith('http:'));
	if (profile === 'production' && plain !== undefined && !answers.allow.includes('plain-urls'))
		refuse(`urls: ${plain} is not https, which production refuses; if you mean it, allow: [plain-urls]`);
	if (new Set(known).size !== known.length) refuse('urls: two services have the same one');
	if (Math.abs(listen.portBase - listen.adminPortBase) < 10 && listen.host === listen.adminHost)
		refuse('listen: portBase and adminPortBase begin ten ports each, and these overlap');
	const certified = new Set<string>(answers.existingPki?.certifies.map((name) => `${name}-root`));
	const unused = Object.keys(answers.offline.keys ?? {}).find((name) => certified.has(name));
	if (unused !== undefined) refuse(`offline.keys.${unused}: existingPki has that root; take one of the two away`);
	if (hosts && Object.keys(hosts).length > 1 && 'folder' in marks && hasSharedService(hosts))
		refuse('marks: a service on two hosts needs marks: { database }');
}

function hasSharedService(hosts: NonNullable<Answers['hosts']>): boolean {
	const all = Object.values(hosts).flatMap(({ services }) => services);
	return new Set(all).size !== all.length;
}
