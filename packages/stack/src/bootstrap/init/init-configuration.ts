/** The configuration file of each host: what an operator would have written, with every path relative to its folder. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { PORT_OFFSETS } from '../../port-offsets.ts';
import { type ConfiguredInstance, SERVICES } from '../../services.ts';
import { type Answers, keyInToken } from './answers.ts';
import { type Material, PLACES } from './init-material.ts';
import { type InitRecord, sha256Hex } from './init-record.ts';
import { type Host, hostOf, type Layout } from './layout.ts';

type Section = Readonly<Record<string, unknown>>;

interface Plan {
	readonly layout: Layout;
	readonly answers: Answers;
	readonly record: InitRecord;
	readonly tokens: Material['tokens'];
}

/** YAML of the file of a host. The same for the same answers and record. */
export function configurationOf(host: Host, plan: Plan): string {
	const { answers } = plan;
	const sections = host.services.map(({ name }) => [name, sectionOf(name, host, plan)]);
	const file = {
		profile: answers.profile,
		...(answers.allow.length > 0 ? { allow: answers.allow } : {}),
		database: answers.database,
		...Object.fromEntries(sections),
	};
	return `# Made by 'chancery init' for ${host.name === undefined ? 'one host' : `the host ${host.name}`}. Relative paths begin in the folder of this file.\n${stringify(file, { lineWidth: 0 })}`;
}

/** Base URL of the admin listener of a service, as the other services and an operator reach it. */
export function adminUrl({ layout, answers }: Pick<Plan, 'layout' | 'answers'>, service: string): string {
	const { adminAddress } = hostOf(layout, service);
	const scheme = answers.listen.tls && layout.hosts.length > 1 ? 'https' : 'http';
	return `${scheme}://${adminAddress}:${adminPort(answers, service)}`;
}

function adminPort({ listen }: Answers, service: string): number {
	const definition = SERVICES.map((entry) => entry.definition).find(({ name }) => name === service);
	const [first] = Object.values(definition?.listeners ?? {});
	if (first === undefined) throw new Error(`${service} has no listener`);
	return listen.adminPortBase + PORT_OFFSETS[first];
}

function sectionOf(name: string, host: Host, plan: Plan): Section {
	const { answers, tokens } = plan;
	const definition = host.services.find((service) => service.name === name);
	if (!definition) throw new Error(`${name} does not run on this host`);
	const isAlone = host.name === undefined;
	const listen = Object.fromEntries(
		Object.entries(definition.listeners).map(([listener, address]) => [
			listener,
			{
				host: answers.listen.host,
				port: answers.listen.portBase + PORT_OFFSETS[address],
				...(answers.listen.tls ? { tls: answers.listen.tls } : {}),
			},
		]),
	);
	const admin = {
		host: isAlone ? answers.listen.adminHost : host.adminAddress,
		port: adminPort(answers, name),
		...(answers.listen.tls && !isAlone ? { tls: answers.listen.tls } : {}),
	};
	const keys = Object.fromEntries(
		Object.keys(definition.keys).map((key) => [
			key,
			keyInToken(answers, name, key) ?? {
				uri: `file:${PLACES.key(name, key)}`,
				passphrase: { file: PLACES.passphrase(name, key) },
			},
		]),
	);
	return {
		...SERVICES.find((entry) => entry.definition === definition)?.configured(instanceOf(plan)),
		listen: { ...listen, admin },
		...(Object.keys(keys).length > 0 ? { keys } : {}),
		admin: {
			tokens: [
				{ name: 'operator', role: 'operator', sha256: sha256Hex(tokens.operator) },
				{ name: 'tuf', role: 'service', sha256: sha256Hex(tokens.service) },
			],
		},
	};
}

/** Everything that the sections have in common. */
function instanceOf(plan: Plan): ConfiguredInstance {
	const { answers, record, layout } = plan;
	const { marks } = answers;
	return {
		organization: answers.organization,
		url: (name) => {
			const url = answers.urls[name];
			if (url === undefined) throw new Error(`there is no address of ${name}`);
			return url;
		},
		treeId: record.treeId,
		issuers: answers.issuers,
		identity: answers.identity,
		files: {
			caChain: PLACES.chain('ca'),
			tsaChain: PLACES.chain('tsa'),
			ctlogPublicKey: PLACES.ctlogKey,
			signingJwks: PLACES.signingJwks,
			developmentSecret: PLACES.developmentSecret,
			serviceToken: PLACES.serviceToken,
		},
		markDatabase: 'database' in marks ? marks.database : undefined,
		markFile: (name) => join('folder' in marks ? marks.folder : '', name),
		trustReportUrls: layout.hosts
			.flatMap(({ services }) => services)
			.flatMap(({ name, trustReports }) => trustReports.map((path) => `${adminUrl(plan, name)}${path}`)),
	};
}
