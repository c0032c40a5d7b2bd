/**
 * Machines that sign without a secret: the token of a CI job, of a pod and of a workload is exchanged, and the certificate
 * names them and the platform that vouched, as it would if the authority had asked the platform itself. And one with a secret.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { freePortBase } from '@chancery/testkit/free-port';
import { serveOpenIdIssuer } from '@chancery/testkit/openid-issuer';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { generateSigningKey, type SigningKey } from '@chancery/testkit/token-issuer';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Environment, mustRun, type RunningCommand, run } from './commands.ts';
import { type Organization, openOrganization } from './organization.ts';
import { serve, writeAnswers } from './served-instance.ts';

const RANGES = [
	{ from: 25_000, to: 25_290 },
	{ from: 25_300, to: 25_590 },
	{ from: 25_600, to: 25_990 },
] as const;
const GITHUB = 'https://token.actions.githubusercontent.com';
const CLUSTER = 'https://kubernetes.default.svc.cluster.local';
const SPIRE = 'https://spire.example.com';
const BUILDER_SECRET = 'the secret of the builder';
const ISSUER_CLAIM = '$.federated_claims.connector_id';
/** Extensions of the certificate (Fulcio's OID documentation): source repository URI and digest, build trigger, run. */
const OIDS = { repository: '1.12', digest: '1.13', trigger: '1.20', run: '1.21' };

let folder: string;
let instance: string;
let artifact: string;
let organization: Organization;
let github: { readonly url: string; close(): Promise<void> };
let key: SigningKey;
let env: Environment;
let database: TestDatabase;
let running: RunningCommand;
let publicUrl: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-machines-'));
	const [portBase, adminPortBase, others] = [
		await freePortBase(RANGES[0]),
		await freePortBase(RANGES[1]),
		await freePortBase(RANGES[2]),
	];
	organization = await openOrganization(folder, others);
	env = { SSL_CERT_FILE: organization.authorityFile, HOME: folder };
	trustAuthorityFile(organization.authorityFile, 'this test');
	key = await generateSigningKey('RS256', 'platform');
	github = await serveGithub(others + 1);
	publicUrl = `https://localhost:${portBase + 1}`;

	instance = join(folder, 'instance');
	artifact = join(folder, 'artifact');
	await writeFile(artifact, 'what a job has built\n');
	await mkdir(join(folder, 'marks'), { recursive: true });
	database = await createTestDatabase();
	const replaced = {
		database: { url: database.url },
		marks: { folder: join(folder, 'marks') },
		issuers: [
			{ type: 'github-actions', issuer: `${publicUrl}/machines/github`, issuerClaim: ISSUER_CLAIM },
			{ type: 'kubernetes', issuer: `${publicUrl}/machines/cluster`, issuerClaim: ISSUER_CLAIM },
			{
				type: 'spiffe',
				issuer: `${publicUrl}/machines/spire`,
				issuerClaim: ISSUER_CLAIM,
				spiffeTrustDomain: 'example.com',
			},
			{ type: 'email', issuer: `${publicUrl}/auth`, issuerClaim: ISSUER_CLAIM },
		],
	};
	const answers = join(folder, 'answers.yaml');
	await writeAnswers(answers, 'one-host', { portBase, adminPortBase, organization, replaced });
	await mustRun(env, 'init', '--answers', answers, '--out', instance);
	const config = join(instance, 'chancery.yaml');
	await addIdentity(config, { portBase, adminPortBase });
	env = { ...env, JWKS: JSON.stringify(await generateSigningJwks()), BUILDER: BUILDER_SECRET };
	await mustRun(env, 'migrate', '--config', config);
	await mustRun(env, 'log', 'create', '--config', config);
});

afterAll(async () => {
	running?.kill('SIGTERM');
	await running?.ended;
	await github?.close();
	await organization?.close();
	await database?.drop();
	await rm(folder, { recursive: true });
});

/** An issuer in the shape of GitHub Actions, asked over TLS; the certificate names the real one, as an operator may choose. */
async function serveGithub(port: number): Promise<typeof github> {
	const url = `https://localhost:${port}`;
	const discovery = { issuer: url, jwks_uri: `${url}/keys`, id_token_signing_alg_values_supported: ['RS256'] };
	const documents = {
		'/.well-known/openid-configuration': JSON.stringify(discovery),
		'/keys': JSON.stringify({ keys: [key.jwk] }),
	};
	const tls = { cert: await readFile(organization.tls.certificateFile), key: await readFile(organization.tls.keyFile) };
	const { close } = await serveOpenIdIssuer({ issuer: url, documents }, tls);
	return { url, close };
}

/** What an operator writes by hand: the section of the identity service, which `init` leaves out. */
async function addIdentity(
	config: string,
	{ portBase, adminPortBase }: { portBase: number; adminPortBase: number },
): Promise<void> {
	const sections = parse(await readFile(config, 'utf8'));
	const at = (listener: object, port: number) => ({ ...listener, port });
	const { public: publicListener, admin } = sections.ca.listen;
	const jwks = { keys: [key.jwk] };
	sections.identity = {
		publicUrl,
		signingJwks: { env: 'JWKS' },
		machineIssuers: [
			{
				name: 'github',
				issuer: github.url,
				connectorId: GITHUB,
				caFile: organization.authorityFile,
				rules: [{ claim: 'repository', anyOf: ['octo-org/*'] }],
			},
			{ name: 'cluster', issuer: CLUSTER, jwks, maxAgeSeconds: 3600, reuse: 'until-expiry' },
			{ name: 'spire', issuer: SPIRE, jwks: { keys: [{ ...key.jwk, use: 'jwt-svid' }] }, reuse: 'until-expiry' },
		],
		machineClients: [{ id: 'builder', secret: { env: 'BUILDER' }, email: 'builder@example.com' }],
		listen: { public: at(publicListener, portBase + 1), admin: at(admin, adminPortBase + 1) },
		admin: sections.ca.admin,
	};
	await writeFile(config, stringify(sections));
}

function platformToken(issuer: string, claims: object): Promise<string> {
	return new SignJWT({ ...claims })
		.setProtectedHeader({ alg: key.alg, kid: key.kid })
		.setIssuer(issuer)
		.setAudience(`${publicUrl}/auth`)
		.setIssuedAt()
		.setExpirationTime('5 minutes')
		.sign(key.privateKey);
}

async function post(form: Record<string, string>): Promise<Record<string, string>> {
	const response = await fetch(`${publicUrl}/auth/token`, { method: 'POST', body: new URLSearchParams(form) });
	const body = (await response.json()) as Record<string, string>;
	expect(response.status, JSON.stringify(body)).toBe(200);
	return body;
}

/** As a job does it with curl. */
async function exchanged(issuer: string, claims: object): Promise<string> {
	const { access_token = '' } = await post({
		grant_type: TOKEN_EXCHANGE_GRANT,
		client_id: 'sigstore',
		subject_token: await platformToken(issuer, claims),
		subject_token_type: TOKEN_TYPES.jwt,
		audience: 'sigstore',
	});
	return access_token;
}

/** Signs with the token, verifies for this identity and issuer alone, and returns the certificate as openssl prints it. */
async function signedAs(token: string, identity: string, issuer: string): Promise<string> {
	const bundle = join(folder, 'bundle.json');
	await rm(bundle, { force: true });
	await mustRun(env, 'sign-blob', '--identity-token', token, '--bundle', bundle, artifact);
	const verify = (expected: string) => {
		const policy = ['--certificate-identity', identity, '--certificate-oidc-issuer', expected];
		return run(env, 'verify-blob', '--bundle', bundle, ...policy, artifact);
	};
	expect(await verify(issuer)).toMatchObject({ code: 0 });
	expect((await verify(`${publicUrl}/auth`)).code).not.toBe(0);
	const { verificationMaterial } = JSON.parse(await readFile(bundle, 'utf8'));
	const der = Buffer.from(verificationMaterial.certificate.rawBytes, 'base64');
	return execFileSync('openssl', ['x509', '-inform', 'DER', '-noout', '-text'], { input: der }).toString();
}

/** The line of an extension of Fulcio's arc, whose value is a DER string. */
function extension(certificate: string, oid: string): string {
	const lines = certificate.split('\n');
	const at = lines.findIndex((line) => line.trim().startsWith(`1.3.6.1.4.1.57264.${oid}:`));
	return (lines[at + 1] ?? '').trim();
}

it('an instance whose only issuers are machines', { timeout: 120_000 }, async () => {
	running = await serve(env, join(instance, 'chancery.yaml'));
	const published = await mustRun(env, 'trust', 'publish', '--instance', instance);
	const mirror = /^mirror (\S+)$/m.exec(published)?.[1] ?? '';
	await mustRun(env, 'initialize', '--mirror', mirror, '--root', join(instance, 'trust/root.json'));
});

it('a job of GitHub Actions, with everything that the certificate says of a build', { timeout: 120_000 }, async () => {
	const sha = 'f3761db6eb4ad5f1a0a4ba4b1a3d8a9c4a3e8a66';
	const workflow = 'octo-org/octo-repo/.github/workflows/release.yml@refs/heads/main';
	const token = await exchanged(github.url, {
		sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
		repository: 'octo-org/octo-repo',
		repository_owner: 'octo-org',
		repository_id: '74',
		repository_owner_id: '65',
		repository_visibility: 'public',
		ref: 'refs/heads/main',
		sha,
		workflow: 'release',
		workflow_ref: workflow,
		workflow_sha: sha,
		job_workflow_ref: workflow,
		job_workflow_sha: sha,
		event_name: 'push',
		run_id: '30433642',
		run_attempt: '2',
		runner_environment: 'github-hosted',
	});
	const certificate = await signedAs(token, `https://github.com/${workflow}`, GITHUB);
	expect(extension(certificate, OIDS.repository)).toMatch(/https:\/\/github\.com\/octo-org\/octo-repo$/);
	expect(extension(certificate, OIDS.digest)).toContain(sha);
	expect(extension(certificate, OIDS.trigger)).toMatch(/push$/);
	expect(extension(certificate, OIDS.run)).toContain('/actions/runs/30433642/attempts/2');
});

it('a pod of a cluster that nobody asks for its keys', { timeout: 120_000 }, async () => {
	const token = await exchanged(CLUSTER, {
		sub: 'system:serviceaccount:builds:release',
		'kubernetes.io': { namespace: 'builds', serviceaccount: { name: 'release', uid: '9f0a3f6d' } },
	});
	await signedAs(token, 'https://kubernetes.io/namespaces/builds/serviceaccounts/release', CLUSTER);
});

it('a workload with a JWT-SVID', { timeout: 120_000 }, async () => {
	const sub = 'spiffe://example.com/ns/builds/sa/release';
	await signedAs(await exchanged(SPIRE, { sub }), sub, SPIRE);
});

it('a program with a secret', { timeout: 120_000 }, async () => {
	const { id_token = '' } = await post({
		grant_type: 'client_credentials',
		client_id: 'builder',
		client_secret: BUILDER_SECRET,
		scope: 'openid email',
	});
	const bundle = join(folder, 'builder.json');
	await mustRun(env, 'sign-blob', '--identity-token', id_token, '--bundle', bundle, artifact);
	const policy = ['--certificate-identity', 'builder@example.com', '--certificate-oidc-issuer', `${publicUrl}/auth`];
	await mustRun(env, 'verify-blob', '--bundle', bundle, ...policy, artifact);
});
