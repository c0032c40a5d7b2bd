/**
 * The services of an instance, in the order in which an operator reads of them. This is the one list: what runs, what is
 * migrated, which logs there are and which addresses an instance has all follow from it. A new service is a definition in
 * its package and an entry here; a listener that has no port yet gets one in `port-offsets.ts`.
 */
import { ca } from '@chancery/ca/definition';
import type { KeyDefinition, Marks, ServiceDefinition, StoringService } from '@chancery/chassis/service-definition';
import { encodePem } from '@chancery/core/pem';
import { ctlog } from '@chancery/ctlog/definition';
import { CT_LOGS } from '@chancery/ctlog/logs';
import { identity } from '@chancery/identity/definition';
import type { Signer } from '@chancery/keys/signer';
import { log } from '@chancery/log/definition';
import { SIGNATURE_LOGS } from '@chancery/log/logs';
import type { ServiceLog } from '@chancery/tlog/service-log';
import { tsa } from '@chancery/tsa/definition';
import { tuf } from '@chancery/tuf/definition';
import { authIssuer, presetIssuer } from '@chancery/wire/identity';
import type { ServiceName } from './port-offsets.ts';

export interface InstanceService {
	readonly definition: ServiceDefinition<unknown, string, Marks, ServiceName>;
	/** The logs that it keeps, by the names that an operator knows them by. */
	readonly logs?: Readonly<Record<string, ServiceLog>>;
	/** Its section in a development instance, without `admin`, which is the same for all. */
	readonly development: (instance: DevelopmentInstance) => Readonly<Record<string, unknown>>;
	/** The same in the file that `chancery init` writes, besides without `listen` and `keys`. */
	readonly configured: (instance: ConfiguredInstance) => Readonly<Record<string, unknown>>;
}

/** The opened keys of services. */
export interface ServiceKeys {
	of<Key extends string>(service: {
		readonly name: string;
		readonly keys: Readonly<Record<Key, KeyDefinition>>;
	}): Readonly<Record<Key, Signer>>;
}

type SecretReference = { readonly file: string } | { readonly env: string };

/** What the sections of a development instance are made from. */
export interface DevelopmentInstance {
	/** The host name in every URL. */
	readonly hostName: string;
	/** Other machines reach the listeners: nobody signs in by typing an address alone. */
	readonly isBeyondLoopback: boolean;
	/** Base URL without a trailing slash. */
	url(name: ServiceName): string;
	/** Decimal, of the v1 log. */
	readonly treeId: string;
	readonly keys: ServiceKeys;
	/** PEM, the certificate of the signing key first. */
	readonly chains: { readonly ca: string; readonly tsa: string };
	/** File of a mark of a service: its only one, or the one of this name. */
	markFile(service: string, mark?: string): string;
	readonly secrets: {
		readonly signingJwks: SecretReference;
		/** Whoever has it mints tokens for anyone. */
		readonly developmentToken: SecretReference;
		/** Opens the admin listener of every service, for reading. */
		readonly service: SecretReference;
	};
	/** Of all services that run already. */
	readonly trustReportUrls: readonly string[];
}

/** What the sections of a configuration file are made from. Paths are relative to its folder. */
export interface ConfiguredInstance {
	readonly organization: string;
	/** Base URL without a trailing slash. @throws {Error} when the instance has no such service */
	url(name: ServiceName): string;
	/** Decimal, of the v1 log. */
	readonly treeId: string;
	/** Where clients log in: our own provider where there is one, else that of the organization. */
	readonly issuers: readonly Readonly<Record<string, unknown>>[];
	/** Settings of the provider of our own; undefined: there is none. */
	readonly identity:
		| (Readonly<Record<string, unknown>> & {
				readonly developmentLogin?: true | 'with-secret' | undefined;
				readonly connectors?: readonly object[] | undefined;
		  })
		| undefined;
	readonly files: {
		readonly caChain: string;
		readonly tsaChain: string;
		readonly ctlogPublicKey: string;
		readonly signingJwks: string;
		readonly developmentSecret: string;
		readonly serviceToken: string;
	};
	/** Where marks are: a file of this name for each, or one database for all. */
	readonly markDatabase: string | { readonly file: string } | undefined;
	markFile(name: string): string;
	/** Of all services. */
	readonly trustReportUrls: readonly string[];
}

const hostNameIn = (url: string) => new URL(url).hostname;

const configuredMark = ({ markDatabase, markFile }: ConfiguredInstance, name: string) =>
	markDatabase === undefined ? { markFile: markFile(name) } : { markDatabase };

/** People of the provider of our own: certificates name the connector where they signed in, not us. */
const brokered = (issuer: string) => ({ type: 'email', issuer, issuerClaim: '$.federated_claims.connector_id' });
/** The pages of the instance sign where browsers let them: by https, or on loopback (a secure context). */
const pageClients = (web: string) =>
	web.startsWith('https:') || hostNameIn(web) === 'localhost'
		? [{ id: 'web', redirectUri: `${web}/sign/callback` }]
		: [];

/** Buttons on the page of the development login. */
const DEVELOPMENT_IDENTITIES = ['you@example.com', 'alice@example.com', 'bob@example.com'];

/** That of the workload which the preset `spiffe` makes up. */
const DEVELOPMENT_TRUST_DOMAIN = 'example.org';

/** Whose tokens the CA takes where ours is a provider for development: of its presets, those that the CA has a type for. */
function presetIssuers(url: string): readonly Readonly<Record<string, unknown>>[] {
	return [
		{ type: 'github-actions', issuer: presetIssuer(url, 'github') },
		{ type: 'email', issuer: presetIssuer(url, 'google') },
		{ type: 'kubernetes', issuer: presetIssuer(url, 'kubernetes') },
		{ type: 'spiffe', issuer: presetIssuer(url, 'spiffe'), spiffeTrustDomain: DEVELOPMENT_TRUST_DOMAIN },
	];
}

export const SERVICES: readonly InstanceService[] = [
	{
		definition: identity,
		development: ({ url, secrets, isBeyondLoopback }) => ({
			publicUrl: url('identity'),
			developmentLogin: isBeyondLoopback ? 'with-secret' : true,
			developmentIdentities: DEVELOPMENT_IDENTITIES,
			webClients: pageClients(url('web')),
			signingJwks: secrets.signingJwks,
			developmentSecret: secrets.developmentToken,
		}),
		configured: ({ url, identity: settings, files }) => ({
			publicUrl: url('identity'),
			...(settings?.developmentLogin ? { developmentIdentities: DEVELOPMENT_IDENTITIES } : {}),
			...settings,
			signingJwks: { file: files.signingJwks },
			...(settings?.developmentLogin ? { developmentSecret: { file: files.developmentSecret } } : {}),
		}),
	},
	{
		definition: ca,
		development: ({ url, chains, keys }) => ({
			publicUrl: url('ca'),
			chainPem: chains.ca,
			ctlog: { url: url('ctlog'), publicKeyPem: encodePem('PUBLIC KEY', keys.of(ctlog).signer.publicKey) },
			issuers: [{ type: 'email', issuer: authIssuer(url('identity')) }, ...presetIssuers(url('identity'))],
		}),
		configured: ({ url, identity: settings, issuers, files }) => ({
			publicUrl: url('ca'),
			chainPem: { file: files.caChain },
			ctlog: { url: url('ctlog'), publicKeyPem: { file: files.ctlogPublicKey } },
			issuers: [
				...issuers,
				...(settings === undefined ? [] : [brokered(authIssuer(url('identity')))]),
				...(settings?.developmentLogin ? presetIssuers(url('identity')) : []),
			],
		}),
	},
	{
		definition: log,
		logs: SIGNATURE_LOGS,
		development: ({ url, hostName, treeId, markFile }) => ({
			v1: { publicUrl: url('log'), hostname: hostName, treeId },
			v2: { publicUrl: url('log2'), origin: hostName },
			markFiles: { v1: markFile('log', 'v1'), v2: markFile('log', 'v2') },
		}),
		configured: ({ url, treeId, markDatabase, markFile }) => ({
			v1: { publicUrl: url('log'), hostname: hostNameIn(url('log')), treeId },
			v2: { publicUrl: url('log2'), origin: hostNameIn(url('log2')) },
			...(markDatabase === undefined
				? { markFiles: { v1: markFile('log-v1'), v2: markFile('log-v2') } }
				: { markDatabase }),
		}),
	},
	{
		definition: ctlog,
		logs: CT_LOGS,
		development: ({ url, markFile }) => ({
			publicUrl: url('ctlog'),
			description: 'Chancery development log',
			markFile: markFile('ctlog'),
		}),
		configured: (instance) => ({
			publicUrl: instance.url('ctlog'),
			description: `${instance.organization} CT log`,
			...configuredMark(instance, 'ctlog'),
		}),
	},
	{
		definition: tsa,
		development: ({ url, chains, markFile }) => ({
			publicUrl: url('tsa'),
			chainPem: chains.tsa,
			markFile: markFile('tsa'),
		}),
		configured: (instance) => ({
			publicUrl: instance.url('tsa'),
			chainPem: { file: instance.files.tsaChain },
			...configuredMark(instance, 'tsa'),
		}),
	},
	{
		definition: tuf,
		development: ({ url, hostName, secrets, trustReportUrls, markFile }) => ({
			publicUrl: url('tuf'),
			operator: hostName,
			services: trustReportUrls.map((trustReportUrl) => ({ trustReportUrl, bearer: secrets.service })),
			markFile: markFile('tuf'),
		}),
		configured: (instance) => ({
			publicUrl: instance.url('tuf'),
			operator: hostNameIn(instance.url('tuf')),
			services: instance.trustReportUrls.map((trustReportUrl) => ({
				trustReportUrl,
				bearer: { file: instance.files.serviceToken },
			})),
			// The signing configuration is to say where people log in.
			...(instance.identity === undefined
				? { oidcIssuers: instance.issuers.slice(0, 1).map(({ issuer }) => issuer) }
				: {}),
			...configuredMark(instance, 'tuf'),
		}),
	},
];

/** Those that keep something in a database. */
export const STORING_SERVICES: readonly StoringService[] = SERVICES.flatMap(({ definition }) =>
	definition.migrations ? [definition] : [],
);

/** The addresses of an instance, in the order in which they appear in `instance.json`. */
export const RUNNING_SERVICES: readonly ServiceName[] = SERVICES.flatMap(({ definition }) =>
	Object.values(definition.listeners),
);

/** A log of an instance, with the service that keeps it. */
export interface InstanceLog extends ServiceLog {
	readonly name: string;
	readonly service: InstanceService['definition'];
}

export const LOGS: readonly InstanceLog[] = SERVICES.flatMap(({ definition, logs }) =>
	Object.entries(logs ?? {}).map(([name, found]) => ({ ...found, name, service: definition })),
);

/** The logs of these names, or all. @throws {Error} for a name that none has */
export function logsNamed(names: readonly string[] = LOGS.map(({ name }) => name)): InstanceLog[] {
	return names.map((name) => {
		const found = LOGS.find((candidate) => candidate.name === name);
		if (!found) throw new Error(`there is no log '${name}'; there are ${LOGS.map((known) => known.name).join(', ')}`);
		return found;
	});
}
