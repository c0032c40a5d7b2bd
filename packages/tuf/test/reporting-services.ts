/** The services that a repository asks for their keys: real admin listeners on loopback, as each service has one. */
import { createHash } from 'node:crypto';
import { Secret } from '@chancery/chassis/config/secret';
import { createAdminListener, READERS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { createLogger } from '@chancery/chassis/logger';
import { signTrustReport, type TrustMaterial, type TrustReport } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { ed25519KeyHash } from '@chancery/core/note';
import { sha256 } from '@chancery/core/sha';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { getTrustReport } from '@chancery/wire/trust-report';
import type { FastifyInstance } from 'fastify';
import type { TufConfig } from '../src/config.ts';
import { makeChain, type TestChain } from './certificates.ts';

export const BEARER = 'the-token-of-the-tuf-service';
export const START = '2026-01-01T00:00:00.500Z';

export type ServiceName = 'ca' | 'tsa' | 'v1' | 'v2' | 'ctlog' | 'identity';

export class ReportingServices {
	readonly ca: TestChain;
	readonly tsa: TestChain;
	readonly v1 = generateSigner('ecdsa-sha2-256-nistp256');
	readonly v2 = generateSigner('ed25519');
	readonly ctlog = generateSigner('ecdsa-sha2-256-nistp256');
	/** The report of a service; tests replace it. */
	readonly materials: Record<ServiceName, TrustMaterial>;
	/** Changes a report before it is sent. */
	forge: (name: ServiceName, report: TrustReport) => TrustReport = (_name, report) => report;
	/** The time in the reports. */
	clock: () => number = Date.now;
	readonly asked: string[] = [];
	readonly #apps: FastifyInstance[] = [];
	readonly urls: Partial<Record<ServiceName, string>> = {};

	private constructor(ca: TestChain, tsa: TestChain) {
		this.ca = ca;
		this.tsa = tsa;
		const chain = (made: TestChain) => made.certificates.map(toBase64);
		const subject = { organization: 'test', commonName: 'test' };
		this.materials = {
			ca: { kind: 'certificate-authority', subject, uri: 'http://ca.test', certChain: chain(ca), validForStart: START },
			tsa: {
				kind: 'timestamp-authority',
				subject,
				uri: 'http://tsa.test/api/v1/timestamp',
				certChain: chain(tsa),
				validForStart: START,
			},
			v1: logMaterial(this.v1, 'http://rekor.test'),
			v2: logMaterial(this.v2, 'http://log2.test:3000', 2),
			ctlog: ctlogMaterial(this.ctlog, 'http://ct.test'),
			identity: { kind: 'identity', issuer: 'http://id.test/auth' },
		};
	}

	static async start(): Promise<ReportingServices> {
		const services = new ReportingServices(await makeChain(), await makeChain(false));
		for (const name of Object.keys(services.materials) as ServiceName[]) await services.#listen(name);
		return services;
	}

	/** The section of the repository's configuration. */
	sources(...names: readonly ServiceName[]): TufConfig['services'] {
		const wanted = names.length > 0 ? names : (Object.keys(this.materials) as ServiceName[]);
		return wanted.map((name) => ({
			trustReportUrl: `${this.urls[name]}${getTrustReport.path}`,
			bearer: new Secret(BEARER),
		}));
	}

	signerOf(name: ServiceName): Signer {
		if (name === 'ca' || name === 'tsa') return this[name].signer;
		return name === 'identity' ? generateSigner('ed25519') : this[name];
	}

	async #listen(name: ServiceName): Promise<void> {
		const app = createAdminListener({
			name,
			logger: createLogger({ level: 'silent', json: true, name }),
			tokens: [{ name: 'tuf', role: 'service', sha256: createHash('sha256').update(BEARER).digest('hex') }],
			health: async () => ({ ready: true, checks: {} }),
		});
		const report = async () => {
			this.asked.push(name);
			const statement = { service: name, material: this.materials[name], issuedAtMs: this.clock() };
			return { status: 200, body: this.forge(name, await signTrustReport(statement, this.signerOf(name))) } as const;
		};
		mount(app, getTrustReport, report, { roles: READERS });
		this.urls[name] = await app.listen({ host: '127.0.0.1', port: 0 });
		this.#apps.push(app);
	}

	async close(): Promise<void> {
		await Promise.all(this.#apps.map((app) => app.close()));
	}
}

export function logMaterial(
	signer: Signer,
	baseUrl: string,
	majorApiVersion: 1 | 2 = 1,
): Extract<TrustMaterial, { kind: 'tlog' }> {
	const isEdwards = signer.algorithm === 'ed25519';
	const raw = signer.publicKey.subarray(-32);
	const logId = isEdwards ? ed25519KeyHash(new URL(baseUrl).hostname, raw) : sha256(signer.publicKey);
	return {
		kind: 'tlog',
		baseUrl,
		majorApiVersion,
		publicKey: toBase64(signer.publicKey),
		keyDetails: isEdwards ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256',
		logId: toBase64(logId),
		validForStart: START,
	};
}

function ctlogMaterial(signer: Signer, baseUrl: string): TrustMaterial {
	const { majorApiVersion: _none, ...log } = logMaterial(signer, baseUrl);
	return { ...log, kind: 'ctlog' };
}
