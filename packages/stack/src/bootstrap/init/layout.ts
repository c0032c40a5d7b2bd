/** Where everything lies that `chancery init` makes: one folder, or one for each host below `hosts/`. */
import { join } from 'node:path';
import { Refusal } from '../../instance/refusal.ts';
import { SERVICES } from '../../services.ts';
import type { Answers } from './answers.ts';

/** A host that serves: what is in its folder is copied there, and nowhere else. */
export interface Host {
	/** Undefined: the only one. */
	readonly name: string | undefined;
	readonly folder: string;
	/** Where the others reach its admin listeners. */
	readonly adminAddress: string;
	readonly services: readonly (typeof SERVICES)[number]['definition'][];
}

export interface Layout {
	readonly folder: string;
	/** What the command decided once, and goes on from. */
	readonly record: string;
	/** One run at a time. */
	readonly lock: string;
	/** For the commands to come. */
	readonly answers: string;
	readonly hosts: readonly Host[];
	/** Keys of the keyholder, to be taken away. */
	readonly offline: string;
	readonly trust: string;
	/** Of whoever runs the instance, for the admin listeners. */
	readonly operatorToken: string;
}

export function layoutOf(folder: string, answers: Answers): Layout {
	return {
		folder,
		record: join(folder, 'init.json'),
		lock: join(folder, 'init.lock'),
		answers: join(folder, 'answers.yaml'),
		hosts: hostsOf(folder, answers),
		offline: join(folder, 'offline'),
		trust: join(folder, 'trust'),
		operatorToken: join(folder, 'operator', 'admin-token'),
	};
}

/** @throws {Refusal} when a service runs nowhere, or a name is none of a service */
function hostsOf(folder: string, { hosts, identity, listen }: Answers): Host[] {
	const wanted = SERVICES.map(({ definition }) => definition).filter(({ name }) => name !== 'identity' || identity);
	if (!hosts) return [{ name: undefined, folder, adminAddress: listen.adminHost, services: wanted }];
	const names = wanted.map(({ name }) => name);
	const placed = Object.values(hosts).flatMap(({ services }) => services);
	for (const name of placed)
		if (!names.includes(name))
			throw new Refusal(`answers: hosts: there is no service '${name}' here; there are ${names.join(', ')}`);
	const missing = names.filter((name) => !placed.includes(name));
	if (missing.length > 0) throw new Refusal(`answers: hosts: ${missing.join(', ')} would run nowhere`);
	const twice = placed.find((name, i) => placed.indexOf(name) !== i);
	if (twice !== undefined)
		throw new Refusal(`answers: hosts: ${twice} is on two hosts; make it for one, and copy that host's folder`);
	return Object.entries(hosts).map(([name, { address, services }]) => ({
		name,
		folder: join(folder, 'hosts', name),
		adminAddress: address,
		services: wanted.filter((definition) => services.includes(definition.name)),
	}));
}

/** The host that runs a service. */
export function hostOf({ hosts }: Layout, service: string): Host {
	const found = hosts.find(({ services }) => services.some(({ name }) => name === service));
	if (!found) throw new Error(`${service} runs nowhere`);
	return found;
}
