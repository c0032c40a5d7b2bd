/** npm's `sigstore` (by URLs, v1 log; verifies through TUF) and `@sigstore/sign` (by signing configuration, both logs). */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place, Signer, Verifier } from './client.ts';
import type { NpmAnswer, NpmOrder } from './npm-program.ts';
import { tlsSettings } from './tls-settings.ts';

const PROGRAM = join(import.meta.dirname, 'npm-program.ts');

type GiveOrder = (place: Place, order: NpmOrder) => Promise<NpmAnswer>;

/** One process for each trust that places ask for; each ends with the tests, when its channel is closed. */
function openNpm(client: 'sigstore' | '@sigstore/sign', home: string): GiveOrder {
	const children = new Map<string, ChildProcess>();
	let last: Promise<unknown> = Promise.resolve();
	return (place, order) => {
		const settings = tlsSettings(client, place);
		const key = JSON.stringify(settings);
		const child =
			children.get(key) ??
			fork(PROGRAM, { execArgv: [], env: { PATH: process.env.PATH ?? '', HOME: home, ...settings }, stdio: 'inherit' });
		children.set(key, child);
		const answer = last.then(async () => {
			const over = new AbortController();
			const died = once(child, 'exit', over).then(() => Promise.reject(new Error(`${client} ended without an answer`)));
			const heard = once(child, 'message', over);
			child.send(order);
			const [answer] = (await Promise.race([heard, died]).finally(() => over.abort())) as [NpmAnswer];
			return answer;
		});
		last = answer.catch(() => undefined);
		return answer;
	};
}

async function writeBundle(path: string, answer: NpmAnswer): Promise<void> {
	if ('failed' in answer) throw new Error(answer.failed);
	await writeFile(path, JSON.stringify(answer.bundle));
}

export async function openNpmSigstore(folder: string, places: readonly Place[]): Promise<Signer & Verifier> {
	for (const place of places) await mkdir(join(folder, place.name), { recursive: true });
	const give = openNpm('sigstore', folder);
	return {
		name: 'sigstore (npm)',
		logs: [1],
		comparesSubject: false,
		refusals: {
			artifact: /signature verification failed/,
			statement: /hash mismatch|digest mismatch/,
			identity: /identity|subject alternative name/i,
			issuer: /extension|issuer/i,
			instance: /timestamp could not be verified|Failed to verify certificate chain/,
		},
		sign: async ({ place, kind, artifact, statement, bundle }) => {
			const { urls } = place.instance;
			const options = { fulcioURL: urls.ca, rekorURL: urls.log, tsaServerURL: urls.tsa, identityToken: place.token };
			await writeBundle(bundle, await give(place, { do: 'sign', options, ...whatOf(kind, artifact, statement) }));
		},
		verify: async ({ place, kind, artifact, bundle, identity, issuer }) => {
			const options = {
				tufMirrorURL: place.instance.urls.tuf,
				tufRootPath: place.instance.root.path,
				tufCachePath: join(folder, place.name),
				certificateIssuer: issuer,
				certificateIdentityEmail: identity,
			};
			const answer = await give(place, { do: 'verify', bundle, options, ...whatOf(kind, artifact, artifact) });
			return 'failed' in answer ? { accepted: false, said: answer.failed } : { accepted: true };
		},
	};
}

export async function openSigstoreSign(folder: string): Promise<Signer> {
	await mkdir(folder, { recursive: true });
	const give = openNpm('@sigstore/sign', folder);
	return {
		name: '@sigstore/sign',
		logs: [1, 2],
		sign: async ({ place, kind, log, artifact, statement, bundle }) => {
			const how = { signingConfig: place.signingConfigs[log], token: place.token };
			const what = whatOf(kind, artifact, statement);
			await writeBundle(bundle, await give(place, { do: 'sign by configuration', ...how, ...what }));
		},
	};
}

const whatOf = (kind: 'blob' | 'attestation', artifact: string, statement: string) =>
	kind === 'blob' ? { file: artifact, isStatement: false } : { file: statement, isStatement: true };
