/**
 * What holds for connectors of every type: whatever goes wrong is one of our codes, at most so many sign-ins wait for one
 * provider, and who comes out of one has a user id that can stand for an account, and a verified address.
 */
import { emailAddress } from '@chancery/wire/identity';
import type { Connector, NamedPerson, Person, Provider } from './connector.ts';
import { failureOf, loggedWords, UpstreamFailure, UpstreamLoginError } from './upstream-failure.ts';

interface Named {
	readonly id: string;
	readonly name: string;
	/** Never to be in a log. */
	readonly secret: string;
}

/** Requests that wait for one provider; each holds a connection of ours for as long as the provider takes. */
const MAX_WAITING = 64;
const RETRY_SECONDS = 5;
/** OpenID Connect Core section 2: no subject is longer. */
const MAX_USER_ID_CHARS = 255;

export function guardedConnector(named: Named, provider: Provider): Connector {
	const { host } = new URL(provider.address);
	let waiting = 0;

	const guarded = async <T>(secrets: readonly string[], work: () => Promise<T>): Promise<T> => {
		try {
			if (waiting >= MAX_WAITING)
				throw new UpstreamFailure('overloaded', `${waiting} sign-ins wait already`, {
					retryAfterSeconds: RETRY_SECONDS,
				});
			waiting++;
			try {
				return await work();
			} finally {
				waiting--;
			}
		} catch (error) {
			const failure = failureOf(error, host);
			throw new UpstreamLoginError(named, failure, loggedWords(failure.message, [...secrets, named.secret]));
		}
	};

	return {
		id: named.id,
		name: named.name,
		address: provider.address,
		begin: (login) => guarded([], () => provider.begin(login)),
		finish: (returned, login) =>
			guarded([returned.searchParams.get('code') ?? '', login.state, login.nonce, login.codeVerifier], async () =>
				checkedPerson(await provider.finish(returned, login), provider.subjectFormat),
			),
		state: () => provider.state(),
		renew: () => provider.renew(),
		probe: (redirectUri) => guarded([], () => provider.probe(redirectUri)),
	};
}

function checkedPerson({ userId, email, emailVerified }: NamedPerson, format: RegExp | undefined): Person {
	if (typeof userId !== 'string' || userId === '' || userId.length > MAX_USER_ID_CHARS || /\p{C}/u.test(userId))
		throw new UpstreamFailure(
			'upstream-subject-invalid',
			`expected a user id of 1 to ${MAX_USER_ID_CHARS} characters, found ${described(userId)}`,
		);
	// An account is its user id. Ids of another form are not those of yesterday: everybody would be somebody else.
	if (format && !format.test(userId))
		throw new UpstreamFailure(
			'upstream-subject-changed',
			`expected a user id like ${format.source}, found '${userId}'`,
		);
	if (email === undefined || email === null || email === '')
		throw new UpstreamFailure('upstream-no-email', 'there is no address');
	const address = emailAddress.safeParse(email);
	if (!address.success)
		throw new UpstreamFailure('upstream-no-email', `no address that a certificate can hold: ${described(email)}`);
	if (!emailVerified)
		throw new UpstreamFailure('upstream-email-unverified', `the address ${address.data} is not verified`);
	return { userId, email: address.data, emailVerified: true };
}

function described(value: unknown): string {
	return typeof value === 'string' ? `text of ${value.length} characters` : value === null ? 'null' : typeof value;
}
