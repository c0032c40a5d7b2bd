/**
 * Two replicas of the identity provider on one database, and SIGKILL for the one that serves: between every two requests of
 * each flow, where the other one finishes the sign-in, and in the middle of the request that redeems a code, where the code
 * may be lost but never works twice. CRASH_SIGN_IN_KILLS (12): kills in the middle, per flow.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identity } from '@chancery/identity/definition';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { migrateAll } from '@chancery/postgres/migrate';
import { openDatabase } from '@chancery/postgres/pool';
import { freePorts } from '@chancery/testkit/free-port';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Balancer, IdentityReplica, type ReplicaPlace } from './identity-replica.ts';
import { say } from './report.ts';
import { codeFlow, deviceFlow, exchangeFlow, type Flow, upstreamFlow } from './sign-in-flows.ts';

const KILLS = Number(process.env.CRASH_SIGN_IN_KILLS ?? 12);
/** A redeemed code takes a few milliseconds on an idle machine, and the kill should come before, in and after it. */
const MAX_DELAY_MS = 40;
const CONNECTOR = 'https://people.example';
/** Whose tokens are exchanged; its keys are configured, so that nobody has to be asked. */
const PLATFORM = 'https://ci.example';
const platformKey = await generateKeyPair('ES256', { extractable: true });
const FLOWS: Readonly<Record<string, Flow>> = {
	'authorization code': codeFlow,
	'authorization code through an upstream provider': upstreamFlow,
	'device code': deviceFlow,
};

/** Why a code, or a subject token, does not work again. */
const SPENT = ['invalid_grant', 'invalid_request'];

let folder: string;
let server: EmbeddedPostgres;
let balancer: Balancer;
let upstream: IdentityReplica;
let places: readonly ReplicaPlace[];
/** The first one serves. */
let replicas: IdentityReplica[];
let starting: Promise<void> | undefined;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'sign-in-kills-'));
	await chmod(folder, 0o711);
	server = await startEmbedded({ dataDir: join(folder, 'data') });
	for (const name of ['broker', 'upstream']) {
		await server.createDatabase(name);
		const database = openDatabase({ url: server.url(name), applicationName: 'migrate', maxConnections: 1 });
		await migrateAll(database, identity.migrations ?? []);
		await database.close();
	}
	const jwks = async (name: string) => {
		const file = join(folder, `${name}.jwks.json`);
		await writeFile(file, JSON.stringify(await generateSigningJwks()), { mode: 0o600 });
		return { file };
	};
	const ports = await freePorts(7);
	const [front = 0, ...rest] = ports;
	const [a = 0, aAdmin = 0, b = 0, bAdmin = 0, c = 0, cAdmin = 0] = rest;
	upstream = await IdentityReplica.start({
		folder,
		databaseUrl: server.url('upstream'),
		port: c,
		adminPort: cAdmin,
		identity: {
			publicUrl: `http://127.0.0.1:${c}`,
			developmentLogin: true,
			clients: ['broker'],
			signingJwks: await jwks('upstream'),
		},
	});
	balancer = await Balancer.listen(front);
	const broker = {
		publicUrl: balancer.url,
		developmentLogin: true,
		signingJwks: await jwks('broker'),
		machineIssuers: [
			{ name: 'ci', issuer: PLATFORM, jwks: { keys: [{ ...(await exportJWK(platformKey.publicKey)), alg: 'ES256' }] } },
		],
		connectors: [
			{ type: 'oidc', id: CONNECTOR, name: 'People', issuer: `http://127.0.0.1:${c}/auth`, clientId: 'broker' },
		],
	};
	const at = (port: number, adminPort: number) => ({
		folder,
		databaseUrl: server.url('broker'),
		port,
		adminPort,
		identity: broker,
	});
	places = [at(a, aAdmin), at(b, bAdmin)];
	replicas = await Promise.all(places.map((place) => IdentityReplica.start(place)));
	balancer.use(replicas);
});
afterAll(async () => {
	await starting?.catch(() => undefined);
	for (const each of [...(replicas ?? []), upstream]) await each?.kill();
	await balancer?.close();
	await server?.stop();
	await rm(folder, { recursive: true, force: true });
});

/** Kills the replica that serves; the other one goes on, and the killed one starts again behind it. */
async function killServing(): Promise<void> {
	await starting;
	const [serving, other] = replicas as [IdentityReplica, IdentityReplica];
	await serving.kill();
	starting = IdentityReplica.start(places.find(({ port }) => port === serving.port) as ReplicaPlace).then((again) => {
		replicas = [other, again];
		balancer.use(replicas);
	});
	// Its failure is that of the next kill.
	starting.catch(() => undefined);
}

const issuer = () => `${balancer.url}/auth`;

const place = (beforeRequest: () => Promise<void> = async () => undefined) => ({
	issuer: issuer(),
	beforeRequest,
	subjectToken: () =>
		new SignJWT({ sub: 'a job' })
			.setProtectedHeader({ alg: 'ES256' })
			.setIssuer(PLATFORM)
			.setAudience(issuer())
			.setJti(randomUUID())
			.setIssuedAt()
			.setExpirationTime('5m')
			.sign(platformKey.privateKey),
});

async function expectToken(token: string | undefined): Promise<void> {
	const keys = createRemoteJWKSet(new URL(`${issuer()}/keys`));
	const { payload } = await jwtVerify(token ?? '', keys, { issuer: issuer(), audience: 'sigstore' });
	expect(payload.email).toBe('alice@example.com');
}

it.each(Object.entries(FLOWS))(
	'%s is finished by another replica, wherever the serving one is killed between two requests',
	async (name, flow) => {
		let sent = 0;
		const count = async () => void sent++;
		await expectToken((await (await flow(place(count)))()).body.id_token);
		const requests = sent;
		expect(requests).toBeGreaterThan(3);
		for (let killBefore = 2; killBefore <= requests; killBefore++) {
			sent = 0;
			const beforeRequest = async () => {
				sent++;
				if (sent === killBefore) await killServing();
			};
			const redeem = await flow(place(beforeRequest));
			const first = await redeem();
			expect(first.status, `killed before request ${killBefore}: ${JSON.stringify(first.body)}`).toBe(200);
			await expectToken(first.body.id_token);
			expect(await redeem()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
		}
		say(`${name}: ${requests - 1} kills between ${requests} requests`);
	},
);

it.each(Object.entries({ ...FLOWS, 'token exchange': exchangeFlow }))(
	'%s gives tokens once, also when the replica dies while it redeems',
	async (name, flow) => {
		const seen: Record<string, number> = {};
		for (let kill = 0; kill < KILLS; kill++) {
			const redeem = await flow(place());
			await starting;
			const [first] = await Promise.all([redeem(), sleep((MAX_DELAY_MS * kill) / KILLS).then(killServing)]);
			const again = await redeem();
			expect([200, 400]).toContain(again.status);
			if (again.status === 400) expect(SPENT).toContain(again.body.error);
			if (first.status === 200) expect(again.status, 'one code gave tokens twice').toBe(400);
			else expect(first.status).toBe(502);
			const outcome =
				first.status === 200 ? 'answered before' : again.status === 200 ? 'answered by the other' : 'lost';
			seen[outcome] = (seen[outcome] ?? 0) + 1;
		}
		say(`${name}: ${KILLS} kills while it redeems: ${JSON.stringify(seen)}`);
	},
);
