/**
 * The values of the Helm chart for an instance that `chancery init` made with one host per role: the configuration of each,
 * without what the chart decides itself. Certificates and public keys stand in it as text, so that the Secret of a role holds
 * nothing but secrets.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { Refusal } from '../../instance/refusal.ts';
import type { Answers } from './answers.ts';
import { type Host, layoutOf } from './layout.ts';

type Mapping = Record<string, unknown>;

/** Name of the admin Service of a role, as the chart makes it, with the namespace. */
const ADMIN_SERVICE = /^([a-z0-9-]+)-([a-z]+)-admin\.([a-z0-9-]+)\.svc$/;
/** Of certificates and public keys, in the folder of a host. */
const PUBLIC_FOLDER = 'chains/';
const DATABASE_FOLDER = '/etc/chancery/database/';

/**
 * YAML for `helm upgrade --install -f`. Holds no secret.
 * @throws {Refusal} for an instance that is not made for the chart, naming the answer; with the code of the file that cannot be read
 */
export async function chartValues(folder: string, answers: Answers): Promise<string> {
	const layout = layoutOf(folder, answers);
	const release = releaseOf(layout.hosts);
	const { url } = answers.database;
	if (typeof url === 'string' || !url.file.startsWith(DATABASE_FOLDER))
		throw new Refusal(`answers: database.url: in a pod it lies at { file: ${DATABASE_FOLDER}url }`);
	const fingerprint = (await readNamed(join(layout.trust, 'fingerprint.txt'))).trim();
	const config: Mapping = {};
	for (const host of layout.hosts) {
		const file = parse(await readNamed(join(host.folder, 'chancery.yaml'))) as Mapping;
		for (const [name, section] of Object.entries(file))
			config[name] = host.services.some((service) => service.name === name)
				? await withTexts(ofChart(section as Mapping), host.folder)
				: section;
	}
	const enabled = layout.hosts.flatMap(({ services }) => services.map(({ name }) => name));
	const values = {
		fullnameOverride: release,
		databaseSecret: `${release}-database`,
		...(answers.listen.tls ? { tls: { secretName: `${release}-tls`, trustedCaKey: 'ca.crt' } } : {}),
		trust: { fingerprint },
		...(enabled.includes('identity') ? { roles: { identity: { enabled: true } } } : {}),
		config,
	};
	return `# Made by 'chancery helm values'. Keys and passwords are in the Secrets ${enabled.map((name) => `${release}-${name}`).join(', ')}.\n${stringify(values, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** What all addresses agree on. */
function releaseOf(hosts: readonly Host[]): string {
	const found = new Set<string>();
	for (const { name, adminAddress, services } of hosts) {
		const [, release, role, namespace] = ADMIN_SERVICE.exec(adminAddress) ?? [];
		const [service, ...others] = services.map((definition) => definition.name);
		if (name === undefined || service !== role || others.length > 0 || release === undefined)
			throw new Refusal(
				`answers: hosts${name === undefined ? '' : `.${name}`}: the chart has one workload per role; begin with 'chancery init --example kubernetes'`,
			);
		found.add(`${release} in ${namespace}`);
	}
	if (found.size !== 1)
		throw new Refusal(`answers: hosts: the addresses are of several releases: ${[...found].join(', ')}`);
	return ADMIN_SERVICE.exec(hosts[0]?.adminAddress ?? '')?.[1] ?? '';
}

/** The chart decides where to listen, and leads the CA to the CT log inside of the cluster. */
function ofChart({ listen: _, ...section }: Mapping): Mapping {
	if (section.ctlog === undefined) return section;
	const { url: __, ...ctlog } = section.ctlog as Mapping;
	return { ...section, ctlog };
}

/** The same with the content of each file that holds no secret. */
async function withTexts(value: unknown, folder: string): Promise<unknown> {
	if (Array.isArray(value)) return Promise.all(value.map((item) => withTexts(item, folder)));
	if (typeof value !== 'object' || value === null) return value;
	const { file } = value as { file?: unknown };
	if (typeof file === 'string' && file.startsWith(PUBLIC_FOLDER)) return readNamed(join(folder, file));
	const entries = Object.entries(value).map(async ([key, inner]) => [key, await withTexts(inner, folder)] as const);
	return Object.fromEntries(await Promise.all(entries));
}

async function readNamed(path: string): Promise<string> {
	return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
		throw new Refusal(`${path} cannot be read (${cause.code}): is this the folder that 'chancery init' made?`, {
			cause,
		});
	});
}
