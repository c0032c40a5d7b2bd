/** An identity service under load: codes of people, tokens of machines and secrets of machines for tokens. */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { type ExpectedTokens, TokenJudge } from '../judge/tokens.ts';
import { getBody } from './http-connection.ts';
import type { IdentityTarget } from './messages.ts';
import { REDIRECT_URI, signIn } from './sign-in.ts';
import { signToken } from './sign-token.ts';
import type { Prepared, Subject } from './subject.ts';
import type { TokenWorkload } from './workloads.ts';

export interface TokenRequest extends Prepared {
	readonly body: string;
	readonly expected: ExpectedTokens;
}

const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token';

/** Codes live for a minute with us: the rest is for the window. */
const CODE_USABLE_MS = 45_000;
/** Subject tokens are exchanged until they are ten minutes old. */
const SUBJECT_TOKEN_SECONDS = 600;
const SUBJECT_TOKEN_USABLE_MS = 300_000;

export function identitySubject(target: IdentityTarget): Subject<TokenRequest, TokenRequest | Promise<TokenRequest>> {
	const subjectKey = createPrivateKey(target.subjectTokens.privateKey);
	const seen = new Set<string>();
	let judge: TokenJudge | undefined;
	const makers: Readonly<Record<TokenWorkload, () => TokenRequest | Promise<TokenRequest>>> = {
		token: () => redemption(target),
		exchange: () => exchange(target, subjectKey),
		'client-credentials': () => clientCredentials(target),
	};
	return {
		path: target.tokenPath,
		contentType: 'application/x-www-form-urlencoded',
		successes: [200],
		madeAtOnce: target.login.atOnce,
		open: async () => {
			const keySet = await getBody(target, target.keysPath);
			if (keySet === undefined) throw new Error('the server publishes no keys');
			judge = new TokenJudge(JSON.parse(keySet.toString()));
		},
		make: (workload) => makers[workload as TokenWorkload](),
		judge: ({ expected }, body) => {
			if (judge === undefined) throw new Error('the subject is not open');
			const verdict = judge.judge(expected, body);
			if (typeof verdict === 'string') return [verdict];
			if (verdict.tokens.some((token) => seen.has(token))) return ['one token was issued twice'];
			for (const token of verdict.tokens) seen.add(token);
			return [];
		},
		settle: async () => ({ history: 'tokens differ', complaints: [] }),
	};
}

const randomEmail = () => `person-${randomBytes(6).toString('hex')}@organisation.example`;
const formOf = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();

async function redemption(target: IdentityTarget): Promise<TokenRequest> {
	const { clientId, issuer, login } = target;
	const email = login.person?.email ?? randomEmail();
	const { code, verifier } = await signIn(target, email);
	return {
		body: formOf({
			grant_type: 'authorization_code',
			client_id: clientId,
			code,
			code_verifier: verifier,
			redirect_uri: REDIRECT_URI,
		}),
		usableUntilMs: Date.now() + CODE_USABLE_MS,
		expected: {
			members: ['access_token', 'id_token'],
			issuer,
			audience: clientId,
			email,
			connectorId: login.connectorId,
			userId: login.person?.userId ?? email,
		},
	};
}

/** Every subject token is of a machine and a run of its own. */
function exchange({ clientId, exchangedIssuer, subjectTokens }: IdentityTarget, key: KeyObject): TokenRequest {
	const { url, keyId, audience, connectorId } = subjectTokens;
	const nowSeconds = Math.floor(Date.now() / 1000);
	const userId = randomBytes(12).toString('hex');
	const email = randomEmail();
	const subjectToken = signToken(key, keyId, {
		iss: url,
		aud: audience,
		sub: userId,
		email,
		email_verified: true,
		name: 'A machine',
		iat: nowSeconds,
		exp: nowSeconds + SUBJECT_TOKEN_SECONDS,
		jti: randomBytes(16).toString('base64url'),
	});
	return {
		body: formOf({
			grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
			client_id: clientId,
			connector_id: connectorId,
			subject_token: subjectToken,
			subject_token_type: ID_TOKEN_TYPE,
			requested_token_type: ID_TOKEN_TYPE,
			scope: 'openid email federated:id',
		}),
		usableUntilMs: Date.now() + SUBJECT_TOKEN_USABLE_MS,
		expected: {
			members: ['access_token'],
			issuedTokenType: ID_TOKEN_TYPE,
			issuer: exchangedIssuer,
			audience: clientId,
			email,
			connectorId,
			userId,
		},
	};
}

/** Always the same client: what differs is in the answer. */
function clientCredentials({ issuer, machine, login, clientId }: IdentityTarget): TokenRequest {
	if (machine === undefined) throw new Error('this server has no machine clients');
	return {
		body: formOf({
			grant_type: 'client_credentials',
			client_id: machine.id,
			client_secret: machine.secret,
			scope: 'openid email',
		}),
		expected: {
			members: ['access_token', 'id_token'],
			issuer,
			audience: clientId,
			email: machine.email,
			connectorId: login.connectorId,
			userId: machine.id,
		},
	};
}
