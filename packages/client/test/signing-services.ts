/**
 * A CA, a timestamp authority and both logs behind one real server on loopback. They answer correctly until a test replaces
 * an answer.
 */
import { createPublicKey, verify } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toBase64, utf8 } from '@chancery/core/bytes';
import { DerReader, TAG_INTEGER } from '@chancery/core/der';
import { encodePem, parsePem } from '@chancery/core/pem';
import { openTrustedRoot, type TrustMaterial } from '@chancery/verify/trust-material';
import type { SigningConfig } from '@chancery/wire/signing-config';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import type { SigningDeps } from '../src/sign.ts';
import {
	CA_EXTENSIONS,
	type CertificateRecipe,
	issueCertificate,
	issueWithSct,
	leafExtensions,
	makeKey,
	makeTimestamp,
	sha256,
	type TimestampRecipe,
	TSA_EXTENSIONS,
} from './certificates.ts';
import { SignatureLog } from './signature-log.ts';

export const EMAIL = 'alice@corp.example';
export const ISSUER = 'https://idp.corp.example';
export type ServiceName = 'ca' | 'tsa' | 'v1' | 'v2';

const PATHS: Readonly<Record<string, ServiceName>> = {
	'/api/v2/signingCert': 'ca',
	'/api/v1/timestamp': 'tsa',
	'/api/v1/log/entries': 'v1',
	'/api/v2/log/entries': 'v2',
};

export interface Reply {
	readonly status: number;
	readonly body: Uint8Array | string;
	readonly headers?: Readonly<Record<string, string>>;
	/** The connection is closed instead. */
	readonly isReset?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of several shapes
type Json = any;

export class SigningServices {
	readonly nowMs = Date.now() - (Date.now() % 1000);
	readonly rootKey = makeKey();
	readonly tsaKey = makeKey();
	readonly ctKey = makeKey();
	readonly v1 = new SignatureLog('rekor.test');
	readonly v2 = new SignatureLog('log2.test');
	readonly root = issueCertificate(this.recipe('root', this.rootKey.spki, CA_EXTENSIONS));
	readonly tsa = issueCertificate(this.recipe('tsa', this.tsaKey.spki, TSA_EXTENSIONS));
	/** The services that were called, in order. */
	readonly asked: ServiceName[] = [];
	/** The pauses of the client (they take no time), and its message before each. */
	readonly pausesMs: number[] = [];
	readonly said: string[] = [];
	/** Answers to send instead of the correct ones. */
	answers: Partial<Record<ServiceName, (honest: Reply, request: Json) => Reply>> = {};
	/** Entries of the v1 log that can be read, by path. */
	readonly entriesV1 = new Map<string, string>();
	changeLeaf: (recipe: CertificateRecipe) => CertificateRecipe = (recipe) => recipe;
	changeTimestamp: (recipe: TimestampRecipe) => TimestampRecipe = (recipe) => recipe;
	readonly #server: Server;
	url = '';

	private constructor() {
		this.#server = createServer(async (request, response) => {
			const chunks: Buffer[] = [];
			for await (const chunk of request) chunks.push(chunk as Buffer);
			const stored = this.entriesV1.get(request.url ?? '');
			if (request.method === 'GET' && stored) {
				response.writeHead(200).end(stored);
				return;
			}
			const name = PATHS[request.url ?? ''];
			if (!name) {
				response.writeHead(404).end();
				return;
			}
			this.asked.push(name);
			const body = Buffer.concat(chunks);
			const { status, body: answer, headers, isReset } = this.#reply(name, body);
			if (isReset) request.socket.resetAndDestroy();
			else response.writeHead(status, headers).end(answer);
		});
	}

	static async start(): Promise<SigningServices> {
		const services = new SigningServices();
		await new Promise<void>((resolve) => services.#server.listen(0, '127.0.0.1', resolve));
		services.url = `http://127.0.0.1:${(services.#server.address() as AddressInfo).port}`;
		return services;
	}

	async close(): Promise<void> {
		await new Promise((resolve) => this.#server.close(resolve));
	}

	/** All services answer correctly again. */
	reset(): void {
		this.answers = {};
		this.asked.length = 0;
		this.pausesMs.length = 0;
		this.said.length = 0;
		this.changeLeaf = (recipe) => recipe;
		this.changeTimestamp = (recipe) => recipe;
	}

	#reply(name: ServiceName, body: Buffer): Reply {
		const request: Json = name === 'tsa' ? body : JSON.parse(body.toString());
		const honest = HONEST[name](this, request);
		return this.answers[name]?.(honest, request) ?? honest;
	}

	recipe(subject: string, publicKey: Uint8Array, extensions: readonly Uint8Array[]): CertificateRecipe {
		const notBefore = new Date(this.nowMs - 60_000);
		const notAfter = new Date(this.nowMs + 600_000);
		return { subject, issuer: 'root', publicKey, signer: this.rootKey, notBefore, notAfter, extensions };
	}

	get trust(): TrustMaterial {
		const validFor = { start: '2020-01-01T00:00:00Z' };
		const authority = (uri: string, ...chain: readonly Uint8Array[]) => ({
			uri,
			certChain: { certificates: chain.map((der) => ({ rawBytes: toBase64(der) })) },
			validFor,
		});
		const log = (baseUrl: string, spki: Uint8Array, logId: Uint8Array) => ({
			baseUrl,
			hashAlgorithm: 'SHA2_256',
			publicKey: { rawBytes: toBase64(spki), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
			logId: { keyId: toBase64(logId) },
		});
		return openTrustedRoot({
			mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
			tlogs: [this.v1, this.v2].map(({ host, key, logId }) => log(`https://${host}`, key.spki, logId)),
			ctlogs: [log('https://ct.test', this.ctKey.spki, sha256(this.ctKey.spki))],
			certificateAuthorities: [authority('https://ca.test', this.root)],
			timestampAuthorities: [authority('https://tsa.test', this.tsa, this.root)],
		});
	}

	signingConfig(changes: object = {}): SigningConfig {
		const service = (path: string, majorApiVersion: number) => ({
			url: this.url + path,
			majorApiVersion,
			validFor: { start: '2020-01-01T00:00:00Z' },
			operator: 'test',
		});
		return parseSigningConfig({
			mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
			caUrls: [service('', 1)],
			rekorTlogUrls: [service('', 2), service('', 1)],
			rekorTlogConfig: { selector: 'ANY' },
			tsaUrls: [service('/api/v1/timestamp', 1)],
			tsaConfig: { selector: 'ANY' },
			...changes,
		});
	}

	deps(changes: Partial<SigningDeps> = {}): SigningDeps {
		return {
			signingConfig: this.signingConfig(),
			trust: this.trust,
			identityToken: token({}),
			fetch,
			clock: () => this.nowMs + this.pausesMs.reduce((sum, ms) => sum + ms, 0),
			sleep: async (ms) => void this.pausesMs.push(ms),
			onWait: (message) => void this.said.push(message),
			random: (n) => crypto.getRandomValues(new Uint8Array(n)),
			...changes,
		};
	}
}

const HONEST: Readonly<Record<ServiceName, (services: SigningServices, request: Json) => Reply>> = {
	ca: (services, { publicKeyRequest, credentials }) => {
		const { publicKey, proofOfPossession } = publicKeyRequest;
		const key = createPublicKey(publicKey.content);
		const { sub } = JSON.parse(Buffer.from(credentials.oidcIdentityToken.split('.')[1], 'base64url').toString());
		if (!verify('sha256', utf8(sub), key, Buffer.from(proofOfPossession, 'base64')))
			return { status: 400, body: '{"message":"no proof of possession"}' };
		const [block] = parsePem(publicKey.content);
		const recipe = services.changeLeaf(services.recipe('', block!.der, leafExtensions(EMAIL, ISSUER)));
		const leaf = issueWithSct(recipe, services.ctKey, services.rootKey.spki, services.nowMs);
		const certificates = [leaf, services.root].map((der) => encodePem('CERTIFICATE', der));
		return { status: 200, body: JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } }) };
	},
	tsa: (services, request: Uint8Array) => {
		const fields = new DerReader(new Uint8Array(request)).sequence();
		fields.smallInteger();
		const imprint = fields.read().raw;
		const nonce = fields.optional(TAG_INTEGER)?.raw;
		const recipe = {
			imprint,
			nonce,
			genTime: new Date(services.nowMs),
			key: services.tsaKey,
			certificate: services.tsa,
			issuer: 'root',
		};
		return { status: 201, body: makeTimestamp(services.changeTimestamp(recipe)) };
	},
	v1: (services, request) => ({
		status: 201,
		body: JSON.stringify(services.v1.answerV1(request, services.nowMs / 1000)),
	}),
	v2: (services, request) => ({ status: 201, body: JSON.stringify(services.v2.answerV2(request)) }),
};

/** An identity token without a valid signature: neither the client nor these services verify it. */
export function token(claims: object): string {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part({ alg: 'RS256' })}.${part({ iss: ISSUER, sub: 'alice', aud: 'sigstore', ...claims })}.AAAA`;
}
