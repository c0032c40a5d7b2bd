/**
 * A sign-in at another provider, in three requests of one browser: it is sent there, it comes back with a code, and it
 * returns to the interaction that asked.
 *
 * The redirect URI that is registered at the provider is one address for all sign-ins, so that the cookie of the interaction,
 * which belongs to the interaction's own address, does not reach it. A cookie of this sign-in does. Without it, somebody could
 * begin a sign-in, sign in at the provider as himself, and have another person's browser come back with his code.
 */
import { createHash } from 'node:crypto';
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { toBase64Url } from '@chancery/core/bytes';
import type { Sql } from '@chancery/postgres/sql';
import { AUTH_PATH } from '@chancery/wire/identity';
import type { Connector } from '../connectors/connector.ts';
import {
	claimUpstreamLogin,
	putUpstreamLogin,
	setUpstreamSubject,
	takeUpstreamSubject,
} from '../store/upstream-logins.ts';
import { type Account, accountOf } from './account.ts';
import { recallLogin, rememberLogin } from './login.ts';

/** As long as the interaction that waits for it. */
const LIFETIME_MS = 10 * 60 * 1000;
const SECRET_BYTES = 32;
/** Values that came from outside: states are 43 characters. */
const PLAUSIBLE = /^[A-Za-z0-9_-]{43}$/;

export const CALLBACK_PATH = `${AUTH_PATH}/callback`;

export interface UpstreamLoginDeps {
	readonly publicUrl: string;
	readonly connectors: readonly Connector[];
	readonly database: Sql;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
}

export interface BegunLogin {
	/** Where the browser goes. */
	readonly location: string;
	/** The cookie that comes back with the code: its name tells sign-ins of one browser apart. */
	readonly cookie: { readonly name: string; readonly value: string; readonly maxAgeSeconds: number };
}

/**
 * Sends a browser to a provider.
 *
 * A crash after the row is written leaves it to expire; the browser has seen no redirect and asks again.
 * @throws {DomainError} `no-login-method` for an unknown connector; {UpstreamLoginError}
 */
export async function beginUpstreamLogin(
	deps: UpstreamLoginDeps,
	{ interactionUid, connectorId }: { readonly interactionUid: string; readonly connectorId: string },
): Promise<BegunLogin> {
	const connector = connectorOf(deps, connectorId);
	const state = secretOf(deps);
	// The browser keeps the way back to its interaction: whoever has the id of an interaction can go on in its place.
	const browser = `${secretOf(deps)}.${interactionUid}`;
	const login = {
		redirectUri: deps.publicUrl + CALLBACK_PATH,
		state,
		nonce: secretOf(deps),
		codeVerifier: secretOf(deps),
	};
	const location = await connector.begin(login);
	await putUpstreamLogin(
		deps.database,
		{
			stateHash: hash(state),
			interactionHash: hash(interactionUid),
			connectorId,
			browserHash: hash(browser),
			nonce: login.nonce,
			codeVerifier: login.codeVerifier,
		},
		new Date(deps.clock() + LIFETIME_MS),
	);
	return {
		location: location.href,
		cookie: { name: cookieName(deps.publicUrl, state), value: browser, maxAgeSeconds: LIFETIME_MS / 1000 },
	};
}

/**
 * Takes a browser back from a provider, and returns where it goes on: the interaction that asked.
 *
 * A crash after the claim leaves a code of the provider that may be used up: the person starts again (`login-expired`).
 * @param returned the whole address that was requested
 * @throws {DomainError} `login-expired`; {UpstreamLoginError}
 */
export async function returnFromUpstream(
	deps: UpstreamLoginDeps,
	{ returned, cookies }: { readonly returned: URL; readonly cookies: ReadonlyMap<string, string> },
): Promise<string> {
	const state = returned.searchParams.get('state') ?? '';
	const browser = PLAUSIBLE.test(state) ? (cookies.get(cookieName(deps.publicUrl, state)) ?? '') : '';
	const stateHash = hash(state);
	const now = new Date(deps.clock());
	const login = await claimUpstreamLogin(deps.database, { stateHash, browserHash: hash(browser) }, now);
	if (!login) throw new DomainError('login-expired', 'This sign-in has expired, or it began in another browser.');
	const connector = connectorOf(deps, login.connectorId);
	const person = await connector.finish(returned, {
		redirectUri: deps.publicUrl + CALLBACK_PATH,
		state,
		nonce: login.nonce,
		codeVerifier: login.codeVerifier,
	});
	const account = accountOf({ ...person, connectorId: connector.id });
	await rememberLogin(deps, account);
	await setUpstreamSubject(deps.database, stateHash, account.sub);
	// The hash of the whole cookie was in the row, so this is what we wrote.
	const interactionUid = browser.slice(browser.indexOf('.') + 1);
	return `${AUTH_PATH}/interaction/${encodeURIComponent(interactionUid)}/finish?login=${state}`;
}

/**
 * The account that a finished upstream sign-in of this interaction named. Works once.
 * @throws {DomainError} `login-expired`
 */
export async function finishUpstreamLogin(
	deps: UpstreamLoginDeps,
	{ interactionUid, state }: { readonly interactionUid: string; readonly state: string },
): Promise<Account> {
	const taken = await takeUpstreamSubject(
		deps.database,
		{ stateHash: hash(state), interactionHash: hash(interactionUid) },
		new Date(deps.clock()),
	);
	const account = taken === undefined ? undefined : await recallLogin(deps, taken);
	if (!account) throw new DomainError('login-expired', 'This sign-in has expired, or it was finished already.');
	return account;
}

/** The cookie of one sign-in. Its name needs part of the state, since one browser may have several under way. */
export function cookieName(publicUrl: string, state: string): string {
	// As the provider's own cookies are named (`provider/cookies.ts`).
	const prefix = publicUrl.startsWith('https:') ? '__Secure-' : '';
	return `${prefix}chancery_upstream_${hash(state).slice(0, 10)}`;
}

function connectorOf({ connectors }: UpstreamLoginDeps, id: string): Connector {
	const connector = connectors.find((candidate) => candidate.id === id);
	if (!connector) throw new DomainError('no-login-method', 'There is no such way to sign in here.');
	return connector;
}

function secretOf({ random }: UpstreamLoginDeps): string {
	return toBase64Url(random(SECRET_BYTES));
}

function hash(text: string): string {
	return createHash('sha256').update(text).digest('base64url');
}
