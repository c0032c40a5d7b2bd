/** Our own command, used as the others are: from the first root through TUF, and told of the log by a configuration. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CHANCERY } from '../judges/running-instance.ts';
import { type Place, PREDICATE_TYPE, type Signer, type Verifier, verdict } from './client.ts';
import { mustRun, runClient } from './run-client.ts';
import { tlsSettings } from './tls-settings.ts';

export async function openOurCommand(folder: string, places: readonly Place[]): Promise<Signer & Verifier> {
	const homeOf = (place: Place) => join(folder, place.name);
	const run = (with_: typeof runClient, place: Place, args: readonly string[]) =>
		with_(CHANCERY, args, homeOf(place), {
			TUF_ROOT: join(homeOf(place), 'tuf'),
			...tlsSettings('chancery', place),
		});
	for (const place of places) {
		const { root, urls } = place.instance;
		await mkdir(homeOf(place), { recursive: true });
		const from = ['--mirror', `${urls.tuf}/`, '--root', root.path, '--root-checksum', root.sha256];
		await run(mustRun, place, ['initialize', ...from]);
	}
	return {
		name: 'chancery',
		logs: [1, 2],
		comparesSubject: true,
		refusals: {
			artifact: /another artifact|other artifacts/,
			statement: /signature of the envelope does not verify/,
			identity: /somebody else/,
			issuer: /somebody else/,
			instance: /not in the trusted root/,
		},
		sign: async ({ place, kind, log, artifact, predicate, bundle }) => {
			const what =
				kind === 'blob' ? ['sign-blob'] : ['attest-blob', '--predicate', predicate, '--type', PREDICATE_TYPE];
			// It takes a signing configuration only together with the trust that is to judge the result.
			const where = ['--signing-config', place.signingConfigs[log], '--trusted-root', place.trustedRoot];
			const how = ['--identity-token', place.token, '--bundle', bundle];
			await run(mustRun, place, [...what, ...where, ...how, artifact]);
		},
		verify: async ({ place, kind, artifact, bundle, identity, issuer }) => {
			const what = kind === 'blob' ? ['verify-blob'] : ['verify-blob-attestation', '--type', PREDICATE_TYPE];
			const whom = ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
			return verdict(await run(runClient, place, [...what, ...whom, '--bundle', bundle, artifact]));
		},
	};
}
