/** cosign 3 and 2, each with a home and a TUF state of its own, initialized with the checksum of the first root. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Place, type Signer, type SigningTask, type Verifier, verdict } from './client.ts';
import { mustRun, type Ran, runClient } from './run-client.ts';
import { tlsSettings } from './tls-settings.ts';

export const PREDICATE_FLAG = ['--type', 'slsaprovenance1'];

export type RunCosign = (place: Place, args: readonly string[]) => Promise<Ran>;

/** Gives a cosign a home for each place, initialized. */
export async function homesOfCosign(
	program: string,
	folder: string,
	places: readonly Place[],
): Promise<{ run: RunCosign; mustRun: RunCosign }> {
	const homeOf = (place: Place) => join(folder, place.name);
	const inHome =
		(how: typeof runClient): RunCosign =>
		(place, args) =>
			how(program, args, homeOf(place), {
				TUF_ROOT: join(homeOf(place), 'tuf'),
				...tlsSettings('cosign 3', place),
			});
	const run = { run: inHome(runClient), mustRun: inHome(mustRun) };
	for (const place of places) {
		await mkdir(homeOf(place), { recursive: true });
		await run.mustRun(place, initializing(place, place.instance.root.sha256));
	}
	return run;
}

export const initializing = ({ instance: { urls, root } }: Place, checksum: string): string[] => [
	...['initialize', '--mirror', urls.tuf, '--root', root.path, '--root-checksum', checksum],
];

export async function openCosign3(
	program: string,
	folder: string,
	places: readonly Place[],
): Promise<Signer & Verifier> {
	const { run, mustRun } = await homesOfCosign(program, folder, places);
	return {
		name: 'cosign 3',
		logs: [1, 2],
		...REFUSING,
		sign: async (task) => {
			const { place, log } = task;
			await mustRun(place, signing(task, ['--signing-config', place.signingConfigs[log]]));
		},
		verify: async ({ place, kind, artifact, bundle, identity, issuer }) =>
			verdict(await run(place, [...verifying(kind, identity, issuer), '--bundle', bundle, artifact])),
	};
}

/** By its defaults it knows no signing configuration: it is told of URLs, and the log is the v1 log. */
export async function openCosign2(
	program: string,
	folder: string,
	places: readonly Place[],
): Promise<Signer & Verifier> {
	const { run, mustRun } = await homesOfCosign(program, folder, places);
	return {
		name: 'cosign 2',
		logs: [1],
		...REFUSING,
		sign: async (task) => {
			await mustRun(task.place, signing(task, [...urlsOf(task.place), '--new-bundle-format']));
		},
		verify: async ({ place, kind, log, artifact, bundle, identity, issuer }) => {
			// Entries of the v2 log say no time, and by default this one asks no one else for it.
			const time = log === 2 ? ['--use-signed-timestamps'] : [];
			const args = [...verifying(kind, identity, issuer), ...time, '--new-bundle-format', '--bundle', bundle];
			return verdict(await run(place, [...args, artifact]));
		},
	};
}

export const urlsOf = ({ instance: { urls } }: Place): string[] => ['--fulcio-url', urls.ca, '--rekor-url', urls.log];

/** Its attestations are given the whole statement: of a predicate it makes one of version 0.1, which not everybody reads. */
function signing({ place, kind, artifact, statement, bundle }: SigningTask, where: readonly string[]): string[] {
	const what = kind === 'blob' ? ['sign-blob', artifact] : ['attest-blob', '--statement', statement];
	return [...what, '--yes', ...where, '--identity-token', place.token, '--bundle', bundle];
}

export function verifying(kind: SigningTask['kind'], identity: string, issuer: string): string[] {
	const what = kind === 'blob' ? ['verify-blob'] : ['verify-blob-attestation', ...PREDICATE_FLAG];
	return [...what, '--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
}

const REFUSING = {
	comparesSubject: true,
	refusals: {
		artifact: /could not verify message|artifact digests? do(es)? not match/,
		statement: /payload hash .* does not match|calculated root|could not verify envelope/,
		identity: /expected SAN value/,
		issuer: /expected issuer value/,
		instance: /not enough verified log entries/,
	},
} as const;
