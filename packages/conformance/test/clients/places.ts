/** The two instances as places where clients sign, and the folder in which they work. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInstance, type RunningInstance } from '../judges/running-instance.ts';
import { type LogVersion, type Place, SIGNER } from './client.ts';

export interface Workplace {
	readonly folder: string;
	readonly home: Place;
	readonly foreign: Place;
	remove(): Promise<void>;
}

export async function openWorkplace(): Promise<Workplace> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-clients-'));
	return {
		folder,
		home: await openPlace('home', openInstance('instance'), folder),
		foreign: await openPlace('foreign', openInstance('foreignInstance'), folder),
		remove: () => rm(folder, { recursive: true, force: true }),
	};
}

async function openPlace(name: Place['name'], instance: RunningInstance, folder: string): Promise<Place> {
	const trustedRoot = join(folder, `${name}.trusted_root.json`);
	await writeFile(trustedRoot, JSON.stringify(instance.trustedRoot));
	return {
		name,
		instance,
		trustedRoot,
		tlsCa: instance.tlsCa,
		token: await instance.token(SIGNER),
		signingConfigs: {
			1: await writeSigningConfig(name, instance, folder, 1),
			2: await writeSigningConfig(name, instance, folder, 2),
		},
	};
}

/** The instance's own signing configuration with only one of its logs. */
async function writeSigningConfig(
	name: string,
	{ signingConfig }: RunningInstance,
	folder: string,
	log: LogVersion,
): Promise<string> {
	const whole = signingConfig as { rekorTlogUrls: { majorApiVersion: number }[] };
	const rekorTlogUrls = whole.rekorTlogUrls.filter(({ majorApiVersion }) => majorApiVersion === log);
	const path = join(folder, `${name}-v${log}.signing_config.json`);
	await writeFile(path, JSON.stringify({ ...whole, rekorTlogUrls }));
	return path;
}
