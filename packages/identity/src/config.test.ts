import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError } from '@chancery/chassis/config/config';
import { Secret } from '@chancery/chassis/config/secret';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema, readSigningJwks } from './config.ts';
import { productionFindings } from './domain/production-findings.ts';
import { machineClientsSchema } from './machines/machine-clients.ts';
import { machineIssuersSchema } from './machines/machine-issuers.ts';

const HTTPS = 'https://id.example.com';
const ENV = { KEYS: '{"auth":[{"kty":"RSA"}]}', WORD: 'a secret of some length' };
const MACHINE = { name: 'ci', issuer: 'https://ci.example' };
const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const KEYS = { keys: [KEY] };
const CLIENT = { id: 'builder', secret: { env: 'WORD' }, email: 'builder@example.com' };
const LEAST = { publicUrl: HTTPS, signingJwks: { env: 'KEYS' } };

interface Field {
	description?: string;
	default?: unknown;
}

interface Fields {
	properties: Record<string, Field>;
	required: string[];
}

const jsonSchemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
/** The fields of the entries of a list. */
const fieldsOfItems = (schema: z.ZodType) => jsonSchemaOf(schema).items as Fields;

/** The rows of the README's tables, as the schemas have them. */
function tableRows(): string[] {
	return [
		jsonSchemaOf(configSchema({})) as Fields,
		fieldsOfItems(machineIssuersSchema),
		fieldsOfItems(machineClientsSchema({})),
	].flatMap(rowsOf);
}

function rowsOf(schema: Fields): string[] {
	return Object.entries(schema.properties).map(([name, field]) => {
		const byDefault =
			field.default === undefined
				? schema.required.includes(name)
					? 'required'
					: '-'
				: `\`${JSON.stringify(field.default)}\``;
		return `| \`${name}\` | ${byDefault} | ${field.description ?? ''} |`;
	});
}

/** A row without the padding that formatting gives it. */
const cells = (row: string) =>
	row
		.split('|')
		.map((cell) => cell.trim())
		.join('|');

describe('the configuration', () => {
	it('is described field by field, and the README prints that', () => {
		const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
		const printed = readme.split('\n').map(cells);
		for (const row of tableRows()) {
			expect(row.split('|')[3]?.trim().length, row).toBeGreaterThan(20);
			expect(printed, `README.md lacks the row\n${row}\n`).toContain(cells(row));
		}
	});

	it('needs nothing but the address and the keys', () => {
		expect(configSchema(ENV).parse({ ...LEAST, publicUrl: `${HTTPS}/` })).toEqual({
			publicUrl: HTTPS,
			signingJwks: expect.any(Secret),
			developmentLogin: false,
			auditRetentionDays: 90,
			developmentIdentities: [],
			clients: ['sigstore'],
			connectors: [],
			machineIssuers: [],
			machineClients: [],
			webClients: [],
			branding: { name: 'Chancery' },
			tokenLifetimeSeconds: 120,
			admin: { tokens: [] },
		});
	});

	it.each([
		['a path in the address', { publicUrl: `${HTTPS}/auth` }],
		['a query in the address', { publicUrl: `${HTTPS}/?x` }],
		['an address that is no web address', { publicUrl: 'ftp://id.example.com' }],
		['no address', { publicUrl: undefined }],
		['no keys', { signingJwks: undefined }],
		['an unknown field', { publicUrl: HTTPS, developmentLogins: true }],
		['a profile of its own', { publicUrl: HTTPS, profile: 'development' }],
		['tokens that live for hours', { publicUrl: HTTPS, tokenLifetimeSeconds: 3600 }],
		['no client', { publicUrl: HTTPS, clients: [] }],
		['a client id with a space', { publicUrl: HTTPS, clients: ['a b'] }],
		['two machine issuers of one name', { machineIssuers: [MACHINE, { ...MACHINE, issuer: 'https://other.example' }] }],
		['two machine issuers of one issuer', { machineIssuers: [MACHINE, { ...MACHINE, name: 'other' }] }],
		['a machine issuer whose name is a path', { machineIssuers: [{ ...MACHINE, name: '../auth' }] }],
		['a machine issuer whose tokens are good for weeks', { machineIssuers: [{ ...MACHINE, maxAgeSeconds: 604_800 }] }],
		[
			'a machine issuer with two sources of keys',
			{ machineIssuers: [{ ...MACHINE, jwks: KEYS, jwksFile: '/dev/null' }] },
		],
		[
			'a machine issuer with its private key',
			{ machineIssuers: [{ ...MACHINE, jwks: { keys: [{ ...KEY, d: 'AA' }] } }] },
		],
		['two machine clients of one id', { machineClients: [CLIENT, CLIENT] }],
		['a machine client that is a public one', { machineClients: [{ ...CLIENT, id: 'sigstore' }] }],
		['a machine client without an address', { machineClients: [{ ...CLIENT, email: 'builder' }] }],
		[
			'a machine client with its secret in the clear',
			{ machineClients: [{ ...CLIENT, secret: 'a secret of some length' }] },
		],
		[
			'an admin token in the clear',
			{ publicUrl: HTTPS, admin: { tokens: [{ name: 'a', role: 'operator', sha256: 'secret' }] } },
		],
	])('refuses %s', (_what, changes) => {
		expect(configSchema(ENV).safeParse({ ...LEAST, ...changes }).success).toBe(false);
	});

	it('reads keys and secret from where they are', () => {
		const config = configSchema(ENV).parse({ ...LEAST, developmentSecret: { env: 'WORD' } });
		expect(readSigningJwks(config.signingJwks)).toEqual({ auth: [{ kty: 'RSA' }], ci: [] });
		expect(config.developmentSecret?.reveal()).toBe(ENV.WORD);
		expect(productionFindings(config).map(({ where }) => where)).toEqual(['identity.developmentSecret']);
		const plain = configSchema(ENV).parse({ ...LEAST, publicUrl: 'http://id.example.com', developmentLogin: true });
		expect(productionFindings(plain).map(({ exception }) => exception)).toEqual(['plain-urls', 'development-login']);
	});

	it('is not started in production with a public CI of which everybody may come, or with one that is asked in the clear', () => {
		const GITHUB = 'https://token.actions.githubusercontent.com';
		const rules = [{ claim: 'repository_owner', anyOf: ['octo-org'] }];
		const findings = (...machineIssuers: object[]) =>
			productionFindings(configSchema(ENV).parse({ ...LEAST, machineIssuers })).map(({ where, exception }) => [
				where,
				exception,
			]);
		expect(findings({ ...MACHINE, issuer: GITHUB, rules }, { ...MACHINE, name: 'own' })).toEqual([]);
		expect(findings({ ...MACHINE, issuer: 'http://ci.example' }, { ...MACHINE, name: 'gh', issuer: GITHUB })).toEqual([
			['identity.machineIssuers.0', 'plain-issuers'],
			['identity.machineIssuers.1', 'global-issuers'],
		]);
		// Nobody is asked for keys that stand in the configuration.
		expect(findings({ ...MACHINE, issuer: 'http://ci.example', jwks: KEYS })).toEqual([]);
		expect(findings({ ...MACHINE, issuer: `${GITHUB}/an-enterprise` })).toEqual([
			['identity.machineIssuers.0', 'global-issuers'],
		]);
	});

	it('is not started in production with keys that lie on a disk', () => {
		const file = new URL('config.test.ts', import.meta.url).pathname;
		const config = configSchema({}).parse({ publicUrl: HTTPS, signingJwks: { file } });
		expect(productionFindings(config).map(({ where, exception }) => [where, exception])).toEqual([
			['identity.signingJwks', 'unencrypted-keys'],
		]);
	});

	it.each(['{"auth":[{"d":"hush"', '"hush"', '{"auth":"hush"}', '{"ci":[]}', '{"auth":[],"hush":1}'])(
		'refuses the key file %s without quoting it',
		(text) => {
			const refusal = (() => {
				try {
					return readSigningJwks(new Secret(text));
				} catch (error) {
					return error;
				}
			})();
			expect(refusal).toBeInstanceOf(ConfigError);
			expect(`${refusal} ${(refusal as Error).cause}`).not.toContain('hush');
		},
	);
});
