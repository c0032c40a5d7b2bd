/** npm's `sigstore` (by URLs, v1 log; verifies through TUF) and `@sigstore/sign` (by signing configuration, both logs). */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleToJSON } from '@sigstore/bundle';
import { SigningConfig } from '@sigstore/protobuf-specs';
import { bundleBuilderFromSigningConfig } from '@sigstore/sign';
import * as sigstore from 'sigstore';
import type { Place, Signer, Verifier } from './client.ts';

const IN_TOTO = 'application/vnd.in-toto+json';

export async function openNpmSigstore(folder: string, places: readonly Place[]): Promise<Signer & Verifier> {
	for (const place of places) await mkdir(join(folder, place.name), { recursive: true });
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
			const signed =
				kind === 'blob'
					? await sigstore.sign(await readFile(artifact), options)
					: await sigstore.attest(await readFile(statement), IN_TOTO, options);
			await writeFile(bundle, JSON.stringify(signed));
		},
		verify: async ({ place, kind, artifact, bundle, identity, issuer }) => {
			const options = {
				tufMirrorURL: place.instance.urls.tuf,
				tufRootPath: place.instance.root.path,
				tufCachePath: join(folder, place.name),
				certificateIssuer: issuer,
				certificateIdentityEmail: identity,
			};
			try {
				const read = JSON.parse(await readFile(bundle, 'utf8')) as sigstore.Bundle;
				if (kind === 'blob') await sigstore.verify(read, await readFile(artifact), options);
				else await sigstore.verify(read, options);
				return { accepted: true };
			} catch (error) {
				return { accepted: false, said: error instanceof Error ? error.message : String(error) };
			}
		},
	};
}

export function openSigstoreSign(): Signer {
	return {
		name: '@sigstore/sign',
		logs: [1, 2],
		sign: async ({ place, kind, log, artifact, statement, bundle }) => {
			const builder = bundleBuilderFromSigningConfig({
				signingConfig: SigningConfig.fromJSON(JSON.parse(await readFile(place.signingConfigs[log], 'utf8'))),
				identityProvider: { getToken: async () => place.token },
				bundleType: kind === 'blob' ? 'messageSignature' : 'dsseEnvelope',
			});
			const signed = await builder.create(
				kind === 'blob' ? { data: await readFile(artifact) } : { data: await readFile(statement), type: IN_TOTO },
			);
			await writeFile(bundle, JSON.stringify(bundleToJSON(signed)));
		},
	};
}
