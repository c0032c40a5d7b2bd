/**
 * Service account tokens of a real API server, exchanged by an identity service that never asks the cluster: its discovery is
 * closed to strangers, as it is unless somebody opens it, and the keys stand in the configuration.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import type { Service } from '@chancery/chassis/service';
import { configSchema } from '@chancery/identity/config';
import { identity } from '@chancery/identity/definition';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { migrateAll } from '@chancery/postgres/migrate';
import { freePort, freePorts } from '@chancery/testkit/free-port';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type ControlPlane, runProgram, startControlPlane } from './kubernetes/control-plane.ts';
import { pageBlock } from './page-block.ts';

/** Of the control plane of these tests. */
const ISSUER = 'https://kubernetes.default.svc';
const NAME = 'https://kubernetes.example.com/cluster-7';

let folder: string;
let plane: ControlPlane;
let database: TestDatabase;
let service: Service;
let publicUrl: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-tokens-'));
	const [etcd = 0, etcdPeers = 0, api = 0] = await freePorts(3);
	plane = await startControlPlane(dirname(inject('peers').kubernetes), folder, { etcd, etcdPeers, api });
	await plane.kubectl(['create', 'namespace', 'builds']);
	await plane.kubectl(['create', 'serviceaccount', 'release', '--namespace', 'builds']);
	await paste(pageBlock('docs/operate/machines.md', 'kubernetes', 'kubectl get --raw'));
	const jwks = JSON.parse(await readFile(join(folder, 'cluster-keys.json'), 'utf8'));

	database = await createTestDatabase();
	await migrateAll(database.database, identity.migrations);
	const port = await freePort();
	publicUrl = `http://127.0.0.1:${port}`;
	const config = configSchema({ JWKS: JSON.stringify(await generateSigningJwks()) }).parse({
		publicUrl,
		signingJwks: { env: 'JWKS' },
		machineIssuers: [
			{
				name: 'cluster',
				issuer: ISSUER,
				connectorId: NAME,
				jwks,
				maxAgeSeconds: 3600,
				reuse: 'until-expiry',
				rules: [{ claim: 'sub', anyOf: ['system:serviceaccount:builds:*'] }],
			},
		],
	});
	service = await identity.open({
		config,
		profile: 'development',
		signers: {},
		marks: {},
		database: database.database,
		clock: Date.now,
		random: (n) => new Uint8Array(randomBytes(n)),
		fetch: () => Promise.reject(new Error('nobody is asked')),
		logger: createLogger({ level: 'silent', json: true, name: 'identity' }),
	});
	await service.listeners.find(({ name }) => name === 'public')?.app.listen({ host: '127.0.0.1', port });
});

afterAll(async () => {
	for (const { app } of service?.listeners ?? []) await app.close();
	await service?.close();
	await database?.drop();
	await plane?.close();
	await rm(folder, { recursive: true, force: true });
});

/** A block of the page, in a folder of its own and on the cluster of these tests. */
async function paste(block: string): Promise<void> {
	const env = [`KUBECONFIG=${plane.kubeconfig}`, `PATH=${dirname(inject('peers').kubernetes)}:${process.env.PATH}`];
	await runProgram('env', ['--chdir', folder, ...env, 'bash', '-euo', 'pipefail', '-c', block]);
}

/** As the token volume of a pod gets it. */
async function serviceAccountToken(
	account: string,
	namespace: string,
	audience = `${publicUrl}/auth`,
): Promise<string> {
	const order = ['create', 'token', account, '--namespace', namespace, '--audience', audience, '--duration', '10m'];
	return (await plane.kubectl(order)).stdout.trim();
}

async function exchange(subjectToken: string): Promise<{ status: number; body: Record<string, string> }> {
	const response = await fetch(`${publicUrl}/auth/token`, {
		method: 'POST',
		body: new URLSearchParams({
			grant_type: TOKEN_EXCHANGE_GRANT,
			client_id: 'sigstore',
			subject_token: subjectToken,
			subject_token_type: TOKEN_TYPES.jwt,
			audience: 'sigstore',
		}),
	});
	return { status: response.status, body: (await response.json()) as Record<string, string> };
}

it('of a cluster that answers no stranger', async () => {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	request(`${plane.url}/.well-known/openid-configuration`, { rejectUnauthorized: false }, (answer) => {
		answer.resume();
		resolve(answer.statusCode ?? 0);
	})
		.on('error', reject)
		.end();
	expect([401, 403]).toContain(await promise);
});

it('are exchanged for tokens that name account, namespace and cluster', async () => {
	const subjectToken = await serviceAccountToken('release', 'builds');
	const { status, body } = await exchange(subjectToken);
	expect(status, JSON.stringify(body)).toBe(200);
	const keys = createRemoteJWKSet(new URL(`${publicUrl}/auth/keys`));
	const { payload } = await jwtVerify(body.access_token ?? '', keys, {
		issuer: `${publicUrl}/machines/cluster`,
		audience: 'sigstore',
	});
	expect(payload).toMatchObject({
		sub: 'system:serviceaccount:builds:release',
		'kubernetes.io': { namespace: 'builds', serviceaccount: { name: 'release', uid: expect.any(String) } },
		federated_claims: { connector_id: NAME, user_id: 'system:serviceaccount:builds:release' },
	});
	expect(payload['kubernetes.io']).toEqual(decodeJwt(subjectToken)['kubernetes.io']);
	// The volume of a pod keeps one token for most of its time.
	expect((await exchange(subjectToken)).status).toBe(200);
});

it('are made as the page says', async () => {
	const audience = 'https://identity.sign.example.com/auth';
	await paste(pageBlock('docs/operate/machines.md', 'kubernetes', 'kubectl create token'));
	const claims = decodeJwt((await readFile(join(folder, 'pod-token'), 'utf8')).trim());
	expect(claims).toMatchObject({ iss: ISSUER, aud: [audience], sub: 'system:serviceaccount:builds:release' });
});

it('are refused when they are for the API server itself, or of an account that no rule names', async () => {
	expect(await exchange(await serviceAccountToken('release', 'builds', ISSUER))).toMatchObject({
		status: 400,
		body: {
			error: 'invalid_request',
			error_description: expect.stringContaining(`'aud' is '["${ISSUER}"]'`.replaceAll('"', "'")),
		},
	});
	await plane.kubectl(['create', 'serviceaccount', 'release', '--namespace', 'default']);
	expect(await exchange(await serviceAccountToken('release', 'default'))).toMatchObject({
		status: 400,
		body: { error_description: expect.stringContaining("'sub'") },
	});
});
