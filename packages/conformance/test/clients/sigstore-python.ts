/** sigstore-python 4: trusts an instance by its first root, then signs and verifies through its TUF repository. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Place, PREDICATE_TYPE, type Signer, type Verifier, verdict } from './client.ts';
import { mustRun, runClient } from './run-client.ts';
import { tlsSettings } from './tls-settings.ts';

export async function openSigstorePython(
	program: string,
	folder: string,
	places: readonly Place[],
): Promise<Signer & Verifier> {
	const homeOf = (place: Place) => join(folder, place.name);
	const env = (place: Place) => tlsSettings('sigstore-python', place);
	const at = ({ instance }: Place) => ['--instance', instance.urls.tuf];
	for (const place of places) {
		await mkdir(homeOf(place), { recursive: true });
		await mustRun(program, [...at(place), 'trust-instance', place.instance.root.path], homeOf(place), env(place));
	}
	return {
		name: 'sigstore-python',
		logs: [1, 2],
		comparesSubject: true,
		refusals: {
			artifact: /message digest mismatch|no subject for digest/,
			statement: /DSSE: invalid signature/,
			identity: /SANs do not match/,
			issuer: /OIDCIssuer does not match/,
			instance: /certificate chain was not valid|not enough sources of verified time/,
		},
		sign: async ({ place, kind, log, artifact, predicate, bundle }) => {
			const what =
				kind === 'blob' ? ['sign'] : ['attest', '--predicate', predicate, '--predicate-type', PREDICATE_TYPE];
			const how = ['--rekor-version', String(log), '--identity-token', place.token, '--bundle', bundle];
			await mustRun(program, [...at(place), ...what, ...how, artifact], homeOf(place), env(place));
		},
		verify: async ({ place, artifact, bundle, identity, issuer }) => {
			const whom = ['--cert-identity', identity, '--cert-oidc-issuer', issuer];
			const args = [...at(place), 'verify', 'identity', ...whom, '--bundle', bundle, artifact];
			return verdict(await runClient(program, args, homeOf(place), env(place)));
		},
	};
}
