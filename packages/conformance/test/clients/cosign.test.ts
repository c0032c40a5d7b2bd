/** What cosign does beyond bundles that everybody reads: its start from a checksum, and what its defaults write. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREDICATE, SIGNER } from './client.ts';
import { homesOfCosign, initializing, PREDICATE_FLAG, urlsOf, verifying } from './cosign.ts';
import { programOf } from './opened-clients.ts';
import { openOurCommand } from './our-command.ts';
import { openWorkplace } from './places.ts';
import { openSigstorePython } from './sigstore-python.ts';

const workplace = await openWorkplace();
const { folder, home, foreign } = workplace;
const places = [home, foreign];
const open = async (name: 'cosign 3' | 'cosign 2') => {
	const program = programOf(name);
	return program === undefined ? undefined : homesOfCosign(program, join(folder, name), places);
};
const cosign = { 3: await open('cosign 3'), 2: await open('cosign 2') };
const python = programOf('sigstore-python');
const issuer = home.instance.oidcIssuer;

const artifact = join(folder, 'artifact.txt');
const tampered = join(folder, 'tampered.txt');
const predicate = join(folder, 'predicate.json');
writeFileSync(artifact, 'signed as cosign does by default\n');
writeFileSync(tampered, 'signed as cosign does by default!\n');
writeFileSync(predicate, JSON.stringify(PREDICATE));

afterAll(() => workplace.remove());

describe.runIf(cosign[3])('cosign 3', () => {
	it('does not begin with a root of another checksum', async () => {
		const ran = await cosign[3]?.run(home, initializing(home, '0'.repeat(64)));
		expect(ran?.said).toMatch(/incorrect checksum/);
		expect(ran?.code).not.toBe(0);
	});

	it('by its defaults signs through TUF with the v2 log and a timestamp', async () => {
		const bundle = join(folder, 'default.sigstore.json');
		const how = ['--yes', '--identity-token', home.token, '--bundle', bundle];
		await cosign[3]?.mustRun(home, ['sign-blob', ...how, artifact]);
		const verify = [...verifying('blob', SIGNER, issuer), '--bundle', bundle];
		await cosign[3]?.mustRun(home, [...verify, artifact]);
		const { verificationMaterial } = (await import(bundle, { with: { type: 'json' } })).default;
		expect(verificationMaterial.tlogEntries).toMatchObject([
			{ kindVersion: { kind: 'hashedrekord', version: '0.0.2' } },
		]);
		expect(verificationMaterial.timestampVerificationData.rfc3161Timestamps).toHaveLength(1);
	});

	it('makes a statement of version 0.1 of a predicate, which we read and sigstore-python does not', async () => {
		const bundle = join(folder, 'predicate.sigstore.json');
		const how = ['--yes', '--identity-token', home.token, '--bundle', bundle];
		await cosign[3]?.mustRun(home, ['attest-blob', ...PREDICATE_FLAG, '--predicate', predicate, ...how, artifact]);
		await cosign[3]?.mustRun(home, [...verifying('attestation', SIGNER, issuer), '--bundle', bundle, artifact]);
		const task = { place: home, kind: 'attestation', log: 2, artifact, bundle, identity: SIGNER, issuer } as const;
		const ours = await openOurCommand(join(folder, 'chancery'), places);
		expect(await ours.verify(task)).toEqual({ accepted: true });
		if (python === undefined) return;
		const theirs = await openSigstorePython(python, join(folder, 'python'), places);
		expect(await theirs.verify(task)).toEqual({
			accepted: false,
			said: expect.stringContaining("input_value='https://in-toto.io/Statement/v0.1'"),
		});
	});
});

describe.runIf(cosign[2])('cosign 2 by its defaults', () => {
	const bundle = join(folder, 'old.json');
	beforeAll(async () => {
		const how = ['--yes', ...urlsOf(home), '--identity-token', home.token, '--bundle', bundle];
		await cosign[2]?.mustRun(home, ['sign-blob', ...how, artifact]);
	});
	const verify = (identity: string, from: string) => [...verifying('blob', identity, from), '--bundle', bundle];

	it.each([3, 2] as const)('writes its old bundle through the v1 log, which cosign %i accepts', async (version) => {
		const old = version === 3 ? ['--new-bundle-format=false'] : [];
		await cosign[version]?.mustRun(home, [...verify(SIGNER, issuer), ...old, artifact]);
	});

	it.each([
		['another artifact', SIGNER, issuer, tampered, /matching bundle to payload/],
		['another identity', 'mallory@example.com', issuer, artifact, /none of the expected identities/],
		['another issuer', SIGNER, foreign.instance.oidcIssuer, artifact, /none of the expected identities/],
	])('refuses it for %s', async (_what, identity, from, file, words) => {
		const ran = await cosign[2]?.run(home, [...verify(identity, from), file]);
		expect(ran?.said).toMatch(words);
		expect(ran?.code).not.toBe(0);
	});

	it('refuses it with the trust of another instance', async () => {
		const ran = await cosign[2]?.run(foreign, [...verify(SIGNER, issuer), artifact]);
		expect(ran?.said).toMatch(/rekor log public key not found/);
		expect(ran?.code).not.toBe(0);
	});

	it('writes old attestations through the v1 log, and accepts them', async () => {
		const envelope = join(folder, 'old.intoto.json');
		const attested = join(folder, 'old-attestation.json');
		const how = ['--yes', ...urlsOf(home), '--identity-token', home.token, '--output-signature', envelope];
		const what = ['attest-blob', ...PREDICATE_FLAG, '--predicate', predicate, '--bundle', attested];
		await cosign[2]?.mustRun(home, [...what, ...how, artifact]);
		const verify = [...verifying('attestation', SIGNER, issuer), '--bundle', attested, '--signature', envelope];
		await cosign[2]?.mustRun(home, [...verify, artifact]);
		expect((await cosign[2]?.run(home, [...verify, tampered]))?.code).not.toBe(0);
	});
});
