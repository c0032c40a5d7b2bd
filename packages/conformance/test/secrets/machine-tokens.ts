/** Programs that get tokens without a page: with a secret of their own, for a token of their platform, or bound to a key. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { exportJWK, SignJWT } from 'jose';
import type { Asked } from './recorder.ts';
import type { SecretRegistry } from './secret-registry.ts';
import { askToken, basic, type SignInDeps } from './sign-in.ts';

/** Name of the machine issuer: its exchanged tokens are those of `<publicUrl>/machines/cluster`. */
export const CLUSTER = 'cluster';
export const MACHINE_EMAIL = 'builder@example.com';
export const SERVICE_ACCOUNT = 'system:serviceaccount:builds:release';

const CLIENT = 'builder';
const CLUSTER_ISSUER = 'https://cluster.example';

export interface Machines {
	/** Of the machine client. */
	readonly secret: string;
	/** Signs the tokens of the cluster. */
	readonly issuerKey: KeyObject;
}

export function createMachines(registry: SecretRegistry): Machines {
	const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	registry.addKey('key of a cluster', privateKey);
	const secret = registry.addText('machine client secret', `build "it" & 100% ${crypto.randomUUID()}`);
	return { secret, issuerKey: privateKey };
}

/** Settings `machineClients` and `machineIssuers`. */
export async function machineSettings({ issuerKey }: Machines, secret: object) {
	const { d, ...jwk } = await exportJWK(issuerKey);
	return {
		machineClients: [{ id: CLIENT, secret, email: MACHINE_EMAIL }],
		machineIssuers: [{ name: CLUSTER, issuer: CLUSTER_ISSUER, jwks: { keys: [{ ...jwk, alg: 'ES256' }] } }],
	};
}

/** Tokens of the machine client: secret in the header and in the form, then wrong ones. */
export async function useClientSecret(
	deps: SignInDeps,
	{ secret }: Machines,
	statuses: Map<string, number>,
): Promise<string> {
	const grant = { grant_type: 'client_credentials', scope: 'openid email' };
	const wrong = deps.registry.addText('wrong client secret', `not "it" & 100% ${crypto.randomUUID()}`);
	const inHeader = (given: string) => askToken(deps, grant, basic(CLIENT, encodeURIComponent(given)));
	const inForm = (given: string, extra = {}) =>
		askToken(deps, { ...grant, client_id: CLIENT, client_secret: given, ...extra });
	const answer = await inHeader(secret);
	statuses.set('a client secret in the header', answer.status);
	statuses.set('a client secret in the form', keepTokens(deps, await inForm(secret)).status);
	statuses.set('a wrong client secret in the header', (await inHeader(wrong)).status);
	statuses.set('a wrong client secret in the form', (await inForm(wrong)).status);
	statuses.set('a client secret for another grant', (await inForm(secret, { grant_type: secret })).status);
	statuses.set('a client secret for a client id', (await inForm(secret, { client_id: secret })).status);
	return tokenIn(keepTokens(deps, answer), 'id_token');
}

/** Exchanges a token of the cluster (RFC 8693), then the same once more, and others that are refused. */
export async function exchangeTokens(
	deps: SignInDeps,
	{ issuerKey }: Machines,
	statuses: Map<string, number>,
): Promise<string> {
	const { issuer, registry } = deps;
	const mint = async (key: KeyObject, claims: object = {}) =>
		registry.addToken(
			'subject token',
			await new SignJWT({
				'kubernetes.io': { namespace: 'builds', serviceaccount: { name: 'release' } },
				jti: crypto.randomUUID(),
				...claims,
			})
				.setProtectedHeader({ alg: 'ES256' })
				.setIssuer(CLUSTER_ISSUER)
				.setSubject(SERVICE_ACCOUNT)
				.setAudience(issuer)
				.setIssuedAt()
				.setExpirationTime('5m')
				.sign(key),
		);
	const exchange = (subject: string, extra = {}) =>
		askToken(deps, {
			grant_type: TOKEN_EXCHANGE_GRANT,
			client_id: 'sigstore',
			subject_token: subject,
			subject_token_type: TOKEN_TYPES.idToken,
			audience: 'sigstore',
			...extra,
		});
	const subject = await mint(issuerKey);
	const answer = await exchange(subject);
	statuses.set('a subject token', answer.status);
	statuses.set('a subject token again', (await exchange(subject)).status);
	const stray = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
	statuses.set('a subject token by another key', (await exchange(await mint(stray))).status);
	const bound = await mint(issuerKey, { cnf: { jkt: 'x'.repeat(43) } });
	statuses.set('a subject token that is bound', (await exchange(bound)).status);
	const fresh = await mint(issuerKey);
	for (const name of ['audience', 'connector_id', 'subject_token_type', 'actor_token'])
		statuses.set(`a subject token for ${name}`, (await exchange(fresh, { [name]: fresh })).status);
	return tokenIn(keepTokens(deps, answer), 'access_token');
}

/** A key of a client, and its proofs (DPoP, RFC 9449) for POST requests. */
export async function createProver({ registry }: SignInDeps) {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	registry.addKey('key of proofs', privateKey);
	const jwk = await exportJWK(publicKey);
	return {
		/** @param token that the request is made with, if any */
		prove: async (url: string, token?: string): Promise<string> => {
			const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
			const proof = new SignJWT({ htm: 'POST', htu: url, jti: crypto.randomUUID(), ...ath })
				.setIssuedAt()
				.setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk });
			return registry.addToken('proof', await proof.sign(privateKey));
		},
	};
}

/** Registers the tokens of an answer. */
function keepTokens({ registry }: SignInDeps, answer: Asked): Asked {
	for (const name of ['id_token', 'access_token']) {
		const token = answer.status === 200 ? tokenIn(answer, name) : '';
		if (token !== '') registry.addToken(name === 'id_token' ? 'identity token' : 'access token', token);
	}
	return answer;
}

function tokenIn({ text, status }: Asked, name: string): string {
	if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`);
	return (JSON.parse(text) as Record<string, string>)[name] ?? '';
}
