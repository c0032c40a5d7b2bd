/**
 * A whole authority for the tests: fresh keys and chain, a database of its own, a CT log and two identity providers.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createLogger } from '@chancery/chassis/logger';
import type { Service } from '@chancery/chassis/service';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { startTokenIssuer, type TokenIssuer } from '@chancery/testkit/token-issuer';
import type { FastifyInstance } from 'fastify';
import { createCaChain } from '../src/ca-chain.ts';
import { configSchema } from '../src/config.ts';
import type { IssueStep } from '../src/domain/issue.ts';
import { githubActions } from '../src/issuers/github-actions.ts';
import { createService } from '../src/service.ts';
import { migrateSchema } from '../src/store/migrations.ts';
import { startCtLog, type TestCtLog } from './ct-log.ts';

export const ADMIN_TOKEN = 'an-operator-token-of-the-tests';

export interface TestInstance {
	/** Unix milliseconds of every clock in the instance; tests move it. */
	nowMs: number;
	/** Makes the issuing key fail, as a key store that went away. */
	signerFails: boolean;
	/** Called between the steps of an issuance. */
	afterStep: (step: IssueStep) => void;
	readonly service: Service;
	readonly publicApp: FastifyInstance;
	readonly adminApp: FastifyInstance;
	readonly chain: { readonly root: Uint8Array; readonly issuing: Uint8Array };
	readonly issuingSigner: Signer;
	readonly rootSigner: Signer;
	readonly ctLog: TestCtLog;
	/** Type `email`. */
	readonly people: TokenIssuer;
	/** Type `github-actions`. */
	readonly workflows: TokenIssuer;
	readonly data: TestDatabase;
	close(): Promise<void>;
}

export interface InstanceOptions {
	readonly algorithm?: Signer['algorithm'];
	/** Instead of a key made here. */
	readonly issuingSigner?: Signer;
	readonly blockedKeySha256?: readonly string[];
	/** Beside the two that are there: settings as an operator writes them. */
	readonly moreIssuers?: readonly object[];
	readonly rules?: readonly { claim: string; anyOf: readonly string[] }[];
}

export async function startInstance(options: InstanceOptions = {}): Promise<TestInstance> {
	const state = {
		signerFails: false,
		nowMs: Date.UTC(2026, 7, 1, 12, 0, 0, 250),
		afterStep: (_step: IssueStep): void => undefined,
	};
	const clock = () => state.nowMs;
	const algorithm = options.algorithm ?? 'ecdsa-sha2-384-nistp384';
	const rootSigner = generateSigner(algorithm);
	const issuingSigner = options.issuingSigner ?? generateSigner(algorithm);
	const random = (n: number) => new Uint8Array(randomBytes(n));
	const chain = await createCaChain({
		rootSigner,
		issuingSigner,
		organization: 'Chancery tests',
		commonName: 'test authority',
		notBefore: new Date(state.nowMs - 86_400_000),
		random,
	});
	const [ctLog, people, workflows, data] = await Promise.all([
		startCtLog(clock),
		startTokenIssuer(clock, '/auth'),
		startTokenIssuer(clock, '/ci'),
		createTestDatabase(),
	]);
	ctLog.roots.push(chain.root);
	await migrateSchema(data.database);
	const config = configSchema.parse({
		publicUrl: 'http://ca.localhost:7402/',
		chainPem: encodePem('CERTIFICATE', chain.issuing) + encodePem('CERTIFICATE', chain.root),
		ctlog: { url: ctLog.url, publicKeyPem: ctLog.publicKeyPem },
		issuers: [
			{ type: 'email', issuer: people.url, rules: options.rules ?? [] },
			{ type: 'github-actions', issuer: workflows.url },
			...(options.moreIssuers ?? []),
		],
		blockedKeySha256: options.blockedKeySha256 ?? [],
		admin: {
			tokens: [{ name: 'tests', role: 'operator', sha256: createHash('sha256').update(ADMIN_TOKEN).digest('hex') }],
		},
	});
	const service = await createService({
		config,
		database: data.database,
		clock,
		random,
		fetch,
		logger: createLogger({ level: 'silent', json: true, name: 'ca' }),
		profile: 'development',
		signers: {
			issuing: {
				...issuingSigner,
				sign: (message) =>
					state.signerFails ? Promise.reject(new Error('the key store is gone')) : issuingSigner.sign(message),
			},
		},
		marks: {},
		afterStep: (step) => state.afterStep(step),
	});
	const app = (name: string) => service.listeners.find((listener) => listener.name === name)!.app;
	const [publicApp, adminApp] = [app('public'), app('admin')];
	await Promise.all([publicApp.ready(), adminApp.ready()]);
	const parts = { service, publicApp, adminApp, chain, issuingSigner, rootSigner, ctLog, people, workflows, data };
	return Object.assign(state, parts, {
		async close() {
			await Promise.all([publicApp.close(), adminApp.close(), service.close()]);
			await Promise.all([ctLog.close(), people.close(), workflows.close(), data.drop()]);
		},
	});
}

/** Claims of a workflow run as its provider writes them, without the ones that every token has. */
export function workflowClaims(): Record<string, unknown> {
	const { iss: _iss, aud: _aud, ...claims } = githubActions.examples[0]!.claims;
	return claims;
}
