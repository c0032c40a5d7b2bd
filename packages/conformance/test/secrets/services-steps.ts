/** The scenario through all services, from the first start to the last fault, and then again with default logging. */
import { createHash, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Signer } from '@chancery/keys/signer';
import { call } from '@chancery/net/call';
import { signFirstRoot } from '@chancery/stack/bootstrap/first-root';
import { holdTrustCeremony } from '@chancery/stack/bootstrap/trust-ceremony';
import { registerRoot } from '@chancery/wire/ct';
import { getTrustReport } from '@chancery/wire/trust-report';
import { badServiceStarts } from './bad-service-starts.ts';
import { POSTS } from './instance-scenario.ts';
import { createProver, exchangeTokens, MACHINE_EMAIL, SERVICE_ACCOUNT, useClientSecret } from './machine-tokens.ts';
import { misplace } from './misplaced.ts';
import type { RecordedProcess } from './recorded-process.ts';
import type { ServicesScenario } from './services-scenario.ts';
import { type SignInDeps, signInByPages, signInOnDevice, token } from './sign-in.ts';
import { certify, clientKey, submitEntries } from './signing-requests.ts';
import { SERVICE_NAMES, type ServiceName } from './testbed.ts';
import { runTlsScenario } from './tls-scenario.ts';
import { signInUpstream } from './upstream-sign-in.ts';

const EMAIL = 'alice@example.com';
const FAULTS = join(import.meta.dirname, 'faults.ts');

/** Everything, from the first start to the last fault. */
export async function runServicesScenario(scenario: ServicesScenario): Promise<void> {
	const { registry, recorder, statuses, testbed, server, foreignServers } = scenario;
	const { urls, admin, signers } = testbed;
	const url = (name: string) => urls[name] ?? '';
	const carried = { CARRIED_SECRET: registry.addText('carried secret', 'what-an-error-carried-0f-the-config') };

	// 1. All services, with every log line. The repository first meets a service that repeats what it is sent.
	const running = new Map<ServiceName, RecordedProcess>();
	for (const service of SERVICE_NAMES.filter((name) => name !== 'tuf'))
		running.set(service, await scenario.serve(service, 'trace'));
	const echoing = {
		trustReportUrl: `${foreignServers.echo}/admin/v1/trust`,
		bearer: { file: join(testbed.folder, 'secrets/tuf-bearer') },
	};
	const deceived = await scenario.serve('tuf', 'trace', {}, { services: [echoing] });
	const asOperator = { authorization: `Bearer ${admin.operator}` };
	const options = { fetch, headers: asOperator };
	const holders = { root: signers['tuf-root'] as Signer, targets: signers['tuf-targets'] as Signer };
	const ceremony = () =>
		holdTrustCeremony({
			publicUrl: url('tuf public'),
			adminUrl: url('tuf admin'),
			operatorToken: admin.operator,
			signers: holders,
			firstRoot: () =>
				signFirstRoot({
					...holders,
					snapshot: signers['tuf-snapshot'] as Signer,
					timestamp: signers['tuf-timestamp'] as Signer,
					nowMs: Date.now(),
					validForDays: 365,
				}),
			ownMaterial: { has: () => true } as never,
			fetch,
			nowMs: Date.now(),
		});
	await ceremony().catch((error: Error) =>
		scenario.kept.push({
			place: 'error of a ceremony',
			bytes: Buffer.from(`${error.message}\n${error.stack}\n${error.cause}`),
			isDeep: true,
		}),
	);
	await deceived.end();
	running.set('tuf', await scenario.serve('tuf', 'trace'));
	const { body: report } = await call(getTrustReport, url('ca admin'), {}, options);
	await call(registerRoot, url('ctlog admin'), { query: {}, body: report }, options);
	const { firstRoot: root } = await ceremony();
	const rootFile = join(scenario.base, 'root.json');
	await writeFile(rootFile, root);

	// 2. Sign-ins, certificates, entries, signatures.
	const signIn = { issuer: `${url('identity public')}/auth`, recorder, registry };
	const tokens = await signInByPages(signIn, EMAIL, () => scenario.keepRows('with a code'));
	await signInOnDevice(signIn, EMAIL, () => scenario.keepRows('with a device code'));
	const key = clientKey(registry);
	const ca = url('ca public');
	const order = { token: tokens.idToken, subject: EMAIL };
	for (const where of ['header', 'body'] as const) await certify(recorder, ca, key, { ...order, version: 2, where });
	await certify(recorder, ca, key, { ...order, version: 1, where: 'header' });
	await certify(recorder, ca, key, { ...order, version: 2, where: 'header', isConfused: true });
	for (const issuer of [foreignServers.echo, foreignServers.silence]) {
		const [head = '', , signature = ''] = tokens.idToken.split('.');
		const claims = { iss: issuer, aud: 'sigstore', sub: EMAIL, exp: 4_000_000_000, jti: crypto.randomUUID() };
		const foreign = registry.addToken(
			'refused token',
			`${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`,
		);
		await certify(recorder, ca, key, { ...order, token: foreign, version: 2, where: 'body' });
	}
	await signInUpstream(signIn, statuses, () => scenario.keepRows('with a sign-in at a provider'));
	const byMachine = (token: string, subject: string) =>
		certify(recorder, ca, key, { token, subject, version: 2, where: 'body' });
	const machine = await useClientSecret(signIn, testbed.machines, statuses);
	statuses.set('a certificate for a machine client', (await byMachine(machine, MACHINE_EMAIL)).status);
	const exchanged = await exchangeTokens(signIn, testbed.machines, statuses);
	statuses.set('a certificate for an exchanged token', (await byMachine(exchanged, SERVICE_ACCOUNT)).status);
	await useBoundToken(scenario, signIn, key);
	await scenario.keepRows('with tokens of machines');
	const logs = { v1: url('log v1'), v2: url('log v2') };
	await submitEntries(recorder, logs, key);
	const checksum = createHash('sha256').update(root).digest('hex');
	await scenario.command('initialize', [
		'initialize',
		'--mirror',
		url('tuf public'),
		'--root',
		rootFile,
		'--root-checksum',
		checksum,
	]);
	const minted = await recorder.ask('development token', `${url('identity public')}/development/token`, {
		method: 'POST',
		headers: { authorization: `Bearer ${testbed.developmentSecret}`, 'content-type': 'application/json' },
		body: JSON.stringify({ email: EMAIL }),
	});
	const development = registry.addToken('development token', (JSON.parse(minted.text) as { token: string }).token);
	await scenario.command('sign-blob', ['sign-blob', '--bundle', join(scenario.base, 'bundle.json'), rootFile], {
		SIGSTORE_ID_TOKEN: development,
	});

	// 3. Reading what may be read from them, and sending what must not be sent to them.
	const lookAround = async () => {
		for (const [name, at] of Object.entries(urls).filter(([name]) => name.endsWith('admin')))
			for (const path of ['/metrics', '/healthz', '/readyz', '/admin/v1/trust', '/admin/v1/trust/v1'])
				await recorder.ask(`of ${name} ${path}`, at + path, { headers: asOperator });
	};
	for (const [name, at] of Object.entries(urls))
		for (const misplaced of [tokens.idToken, admin.service])
			await misplace(recorder, { name, url: at, posts: POSTS[name] ?? [] }, misplaced);
	await lookAround();

	// 4. A database that refuses rows and says which: the server's DETAIL quotes them completely.
	const { database } = server;
	const nothing = async () => undefined;
	const refuse = (table: string) =>
		database.query(`alter table ${table} add constraint refused check (false) not valid`);
	const broker = ['identity.upstream_logins', 'identity.exchanged_tokens'];
	for (const table of broker) await refuse(table);
	await signInUpstream(signIn, new Map(), nothing).catch(nothing);
	await exchangeTokens(signIn, testbed.machines, new Map()).catch(nothing);
	const others = ['identity.artifacts', 'ca.issuance'];
	for (const table of others) await refuse(table);
	await signInByPages(signIn, EMAIL, nothing).catch(nothing);
	await recorder.ask('device authorization', `${signIn.issuer}/device/code`, {
		method: 'POST',
		body: new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' }),
	});
	await certify(recorder, ca, key, { ...order, version: 2, where: 'body' });
	for (const table of [...broker, ...others]) await database.query(`alter table ${table} drop constraint refused`);

	// 5. Other services that end: the CT log, and the database while requests run.
	await running.get('ctlog')?.end('SIGKILL');
	await certify(recorder, ca, key, { ...order, version: 2, where: 'body' });
	running.set('ctlog', await scenario.serve('ctlog', 'debug'));
	const inFlight = Array.from({ length: 6 }, () => certify(recorder, ca, key, { ...order, version: 2, where: 'body' }));
	await database.close();
	await server.process.end('SIGQUIT');
	await Promise.all(inFlight);
	await token(signIn, { grant_type: 'authorization_code', code: tokens.code, code_verifier: tokens.verifier });
	await submitEntries(recorder, logs, clientKey(registry));
	await lookAround();
	scenario.processes.push(await server.restart());

	// 6. Uncaught errors, and stops while requests run; then once more with default logging.
	for (const one of running.values()) if (one.isRunning) await one.end();
	for (const signal of ['SIGUSR2', 'SIGHUP'] as const) {
		const env = { ...carried, CARRIED_TOKEN: development, NODE_OPTIONS: `--import=${FAULTS}` };
		const laden = await scenario.serve('tsa', signal === 'SIGHUP' ? 'info' : 'trace', env);
		laden.signal(signal);
		scenario.exits.set(signal, await laden.ended);
	}
	await runTlsScenario(scenario);
	for (const service of SERVICE_NAMES) running.set(service, await scenario.serve(service, 'info'));
	await signInByPages(signIn, EMAIL, nothing);
	await signInUpstream(signIn, new Map(), nothing);
	await useClientSecret(signIn, testbed.machines, new Map());
	await exchangeTokens(signIn, testbed.machines, new Map());
	const last = Array.from({ length: 4 }, () => certify(recorder, ca, key, { ...order, version: 2, where: 'body' }));
	await Promise.all([...[...running.values()].map((one) => one.end()), ...last]);
	await badServiceStarts(scenario);
}

/** A sign-in whose tokens are bound to a key, and a certificate for one of them; then proofs that were used, and none. */
async function useBoundToken({ testbed, recorder, statuses }: ServicesScenario, signIn: SignInDeps, key: KeyObject) {
	const { prove } = await createProver(signIn);
	const ca = testbed.urls['ca public'] ?? '';
	const dpop = await prove(`${signIn.issuer}/token`);
	const begin = () => signInByPages(signIn, EMAIL, async () => undefined, { dpop });
	const { idToken } = await begin();
	statuses.set(
		'a proof for a second code',
		await begin().then(
			() => 200,
			() => 400,
		),
	);
	const order = { token: idToken, subject: EMAIL, version: 2, where: 'body' } as const;
	const proof = await prove(`${ca}/api/v2/signingCert`, idToken);
	for (const [what, more] of [
		['a certificate for a bound token', { dpop: proof }],
		['a proof for a second certificate', { dpop: proof }],
		['a bound token without a proof', {}],
	] as const)
		statuses.set(what, (await certify(recorder, ca, key, { ...order, ...more })).status);
}
