/**
 * The answers of `chancery init`, asked for on a terminal. Each is judged by the schema of the answers file, and what comes
 * out is such a file: it can be kept, read and used again.
 */
import { existsSync } from 'node:fs';
import { isLoopbackHost } from '@chancery/postgres/connection-security';
import { PORT_OFFSETS } from '../../port-offsets.ts';
import { RUNNING_SERVICES, SERVICES } from '../../services.ts';
import { type AnswerName, answerProblem, ISSUER_TYPES } from './answer-problem.ts';

/** Answers nothing, or what is wrong with an answer. */
export type Check = (answer: string) => string | undefined;

export interface TextQuestion {
	readonly check: Check;
	/** What is taken when only Return is pressed. */
	readonly usual?: string;
	/** An example, shown and never taken. */
	readonly example?: string;
}

/** Who asks. Each question is asked until its answer is good; whoever does not want to go on makes it throw. */
export interface Asker {
	text(message: string, question: TextQuestion): Promise<string>;
	yesNo(message: string, usual: boolean): Promise<boolean>;
	/** One of these, by the words that are shown for each. */
	one<Choice extends string>(message: string, choices: Readonly<Record<Choice, string>>): Promise<Choice>;
	/** At least one of these. */
	some(message: string, choices: readonly string[]): Promise<string[]>;
	tell(title: string, lines: string): void;
}

type Kind = 'one-host' | 'separate-hosts' | 'development';
type Section = Record<string, unknown>;

const KINDS: Readonly<Record<Kind, string>> = {
	'one-host': 'production, on one host',
	'separate-hosts': 'production, on several hosts',
	development: 'development: any address may sign',
};

const PORT_BASE = 7400;

/** Judges an answer in the place where the file has it. */
function asAnswer(name: AnswerName, place: (text: string) => unknown = (text) => text): Check {
	return (text) => answerProblem(name, place(text));
}

/** As they would stand in a file. */
export async function askAnswers(ask: Asker): Promise<Section> {
	const kind = await ask.one('What is the instance for?', KINDS);
	const organization = await ask.text('Name of your organization, as certificates will say it', {
		check: asAnswer('organization'),
		example: 'Example Ltd',
	});
	const isDevelopment = kind === 'development';
	const urls = isDevelopment ? await askDevelopmentUrls(ask) : await askUrls(ask);
	return {
		profile: isDevelopment ? 'development' : 'production',
		// The TUF service asks the others on their admin listeners.
		...(kind === 'separate-hosts' ? { allow: ['exposed-admin'] } : {}),
		organization,
		urls,
		...(isDevelopment
			? { identity: { developmentLogin: loginFor(String(urls.identity)) } }
			: { issuers: await askIssuers(ask) }),
		...(isDevelopment ? {} : { listen: await askListen(ask, kind) }),
		database: { url: await askDatabase(ask) },
		marks: { folder: await askMarks(ask) },
		...(kind === 'separate-hosts' ? { hosts: await askHosts(ask) } : {}),
		...(isDevelopment ? {} : await askKeys(ask)),
		...(isDevelopment ? {} : await askCertificates(ask)),
		...(isDevelopment ? {} : await askPassphrase(ask)),
	};
}

/** Beyond loopback, whoever signs in needs the secret of the instance. */
function loginFor(url: string): true | 'with-secret' {
	return isLoopbackHost(new URL(url).hostname) ? true : 'with-secret';
}

async function askDevelopmentUrls(ask: Asker): Promise<Section> {
	const urlOf = (host: string, name: keyof typeof PORT_OFFSETS) => `http://${host}:${PORT_BASE + PORT_OFFSETS[name]}`;
	const host = await ask.text('Host name under which clients reach it', {
		check: asAnswer('urls', (text) => ({ ca: urlOf(text, 'ca') })),
		usual: 'localhost',
	});
	return Object.fromEntries(RUNNING_SERVICES.map((name) => [name, urlOf(host, name)]));
}

async function askUrls(ask: Asker): Promise<Section> {
	const names = RUNNING_SERVICES.filter((name) => name !== 'identity');
	const domain = await ask.text('Domain of the services: they will be ca.DOMAIN, log.DOMAIN and so on', {
		check: asAnswer('urls', (text) => ({ ca: `https://ca.${text}` })),
		example: 'sign.example.com',
	});
	const urls = Object.fromEntries(names.map((name) => [name, `https://${name}.${domain}`]));
	ask.tell(
		'Addresses',
		Object.entries(urls)
			.map(([name, url]) => `${name.padEnd(8)}${url}`)
			.join('\n'),
	);
	if (await ask.yesNo('Are these right? Certificates and logs name them, and they stay', true)) return urls;
	for (const name of names)
		urls[name] = await ask.text(`Address of ${name}`, {
			check: asAnswer('urls', (text) => ({ [name]: text })),
			usual: urls[name] as string,
		});
	return urls;
}

async function askIssuers(ask: Asker): Promise<Section[]> {
	const issuers: Section[] = [];
	const types = Object.fromEntries(ISSUER_TYPES.map((type) => [type, type]));
	do {
		const issuer = await ask.text('OpenID Connect issuer whose tokens say who signs', {
			check: asAnswer('issuers', (text) => [{ type: 'email', issuer: text }]),
			example: 'https://login.example.com/realms/people',
		});
		const type = await ask.one('What do its tokens say?', types);
		issuers.push({ type, issuer });
	} while (await ask.yesNo('Another issuer?', false));
	return issuers;
}

async function askListen(ask: Asker, kind: Kind): Promise<Section> {
	const speaker =
		kind === 'separate-hosts'
			? 'services'
			: await ask.one('Who speaks TLS to clients?', {
					proxy: 'a proxy on the same host',
					services: 'the services themselves',
				});
	if (speaker === 'proxy') return { host: '127.0.0.1', portBase: PORT_BASE };
	const path = (message: string, usual: string) => ask.text(message, { check: absolute, usual });
	const certificateFile = await path('Certificate of the host, in PEM (a path there)', '/etc/chancery/tls/tls.crt');
	const keyFile = await path('Its key', '/etc/chancery/tls/tls.key');
	const host = await ask.text('Address on which the services listen', {
		check: asAnswer('listen', (text) => ({ host: text })),
		usual: '0.0.0.0',
	});
	return { host, portBase: PORT_BASE, tls: { certificateFile, keyFile } };
}

const absolute: Check = (text) => (text.startsWith('/') ? undefined : 'expected an absolute path');

async function askDatabase(ask: Asker): Promise<unknown> {
	const place = (text: string) => (text.startsWith('/') ? { file: text } : text);
	const answer = await ask.text('PostgreSQL: a URL without a password, or the path of a file that holds the URL', {
		check: asAnswer('database', (text) => ({ url: place(text) })),
		usual: 'postgres:///chancery?host=/var/run/postgresql',
	});
	return place(answer);
}

function askMarks(ask: Asker): Promise<string> {
	return ask.text('Folder for the marks, which backups of the database leave out (a path on the host)', {
		check: asAnswer('marks', (text) => ({ folder: text })),
		usual: '/var/lib/chancery/marks',
	});
}

async function askHosts(ask: Asker): Promise<Section> {
	const hosts: Section = {};
	let left = SERVICES.map(({ definition }) => definition.name).filter((name) => name !== 'identity');
	while (left.length > 0) {
		const name = await ask.text('Name of a host', {
			check: (text) =>
				text in hosts
					? 'there is a host of this name already'
					: answerProblem('hosts', { [text]: { address: 'x', services: ['x'] } }),
			example: Object.keys(hosts).length === 0 ? 'authorities' : 'logs',
		});
		const address = await ask.text(`Name or address under which the other hosts reach ${name}`, {
			check: asAnswer('hosts', (text) => ({ [name]: { address: text, services: ['x'] } })),
			example: `${name}.sign.example.com`,
		});
		const services = await ask.some(`Which services run on ${name}?`, left);
		hosts[name] = { address, services };
		left = left.filter((service) => !services.includes(service));
	}
	return hosts;
}

async function askKeys(ask: Asker): Promise<Section> {
	const where = await ask.one('Where are the keys of the services?', {
		files: 'they are made, as encrypted files',
		hsm: 'some are in an HSM already (PKCS#11)',
	});
	if (where === 'files') return {};
	const names = SERVICES.flatMap(({ definition: { name, keys } }) => Object.keys(keys).map((key) => `${name}.${key}`));
	const chosen = await ask.some('Which are there?', names);
	const module = await ask.text('PKCS#11 module, on the hosts and here', {
		check: absolute,
		example: '/usr/lib/softhsm/libsofthsm2.so',
	});
	const token = await ask.text('Label of the token', { check: () => undefined });
	const pinFile = await ask.text('File with its PIN, on the hosts and here', { check: absolute });
	const keys: Record<string, Section> = {};
	const uriOf = (label: string) =>
		`pkcs11:token=${encodeURIComponent(token)};object=${encodeURIComponent(label)}?module-path=${encodeURIComponent(module)}`;
	for (const name of chosen) {
		const [service = '', key = ''] = name.split('.');
		const place = (label: string) => ({ uri: uriOf(label), pin: { file: pinFile } });
		const label = await ask.text(`Label of the key ${name}`, {
			check: asAnswer('keys', (text) => ({ [service]: { [key]: place(text) } })),
		});
		keys[service] = { ...keys[service], [key]: place(label) };
	}
	return { keys };
}

async function askCertificates(ask: Asker): Promise<Section> {
	const from = await ask.one('Who certifies the CA and the timestamp authority?', {
		own: 'roots of their own, which are made',
		pki: 'a PKI that we have: requests are made for it',
	});
	if (from === 'own') return {};
	const rootFile = await ask.text('Root certificate of that PKI, in PEM (a path here)', {
		check: (text) => (existsSync(text) ? undefined : 'there is no such file'),
	});
	return { existingPki: { rootFile } };
}

async function askPassphrase(ask: Asker): Promise<Section> {
	const from = await ask.one('Passphrase of the offline keys?', {
		made: 'one is made, beside them',
		file: 'it is in a file here',
	});
	if (from === 'made') return {};
	const passphraseFile = await ask.text('That file', {
		check: (text) => (existsSync(text) ? undefined : 'there is no such file'),
	});
	return { offline: { passphraseFile } };
}
