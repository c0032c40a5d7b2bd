/**
 * Keeps the provider's artifacts in the database. One adapter per model, as the library wants it.
 *
 * The id of a code, session or interaction is a bearer secret: whoever shows it is taken for its owner. So the database
 * knows hashes only, in the key and wherever an id stands in a payload; they are as random as the ids, so that plain
 * SHA-256 does. Who reads the tables, a backup or the server's log can follow sign-ins, not take part in them.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { InvalidGrant } from 'oidc-provider/lib/helpers/errors.js';
import {
	consumeArtifact,
	deleteArtifact,
	deleteArtifactsOfGrant,
	findArtifact,
	findArtifactByUid,
	findArtifactByUserCode,
	putArtifact,
	type StoredArtifact,
} from '../store/artifacts.ts';

/** Ids come from cookies, codes and client ids that anyone may send: what cannot be one is not looked up. */
const PLAUSIBLE_ID = /^[\x21-\x7e]{1,256}$/;

/** The adapter factory of a provider. */
export function artifactAdapter(deps: { readonly database: Sql; readonly clock: Clock }): AdapterFactory {
	const sql = deps.database;
	const now = () => new Date(deps.clock());
	// What was found by something else than its id has only the hash of it. The provider gets that with a mark in front
	// which no request can bring, because it is never stored and never sent.
	const mark = `found-${randomBytes(32).toString('base64url')}-`;

	return (model): Adapter => {
		const keyOf = (id: string) => (id.startsWith(mark) ? id.slice(mark.length) : hashOf(model, id));
		const marked = (stored: StoredArtifact | undefined) => {
			const payload = payloadOf(stored);
			return payload && { ...payload, jti: mark + payload.jti };
		};
		return {
			async upsert(id, payload, expiresIn) {
				// Everything the provider stores here has a lifetime in its configuration; without one it would stay for ever.
				if (expiresIn === undefined) throw new TypeError(`${model} has no lifetime`);
				await putArtifact(sql, {
					model,
					id: keyOf(id),
					// The id stands in the payload as itself and, of an interaction, in the address where it goes on.
					payload: JSON.stringify(withoutCookie(payload)).replaceAll(id, keyOf(id)).replaceAll(mark, ''),
					grantId: payload.grantId ?? null,
					userCode: payload.userCode ?? null,
					uid: payload.uid ?? null,
					expiresAt: new Date(deps.clock() + expiresIn * 1000),
				});
			},
			async find(id) {
				if (!PLAUSIBLE_ID.test(id)) return undefined;
				const stored = await findArtifact(sql, { model, id: keyOf(id) }, now());
				const payload = payloadOf(stored && { ...stored, payload: stored.payload.replaceAll(keyOf(id), id) });
				// The device code that a sign-in is for came by the code that the person typed.
				if (typeof payload?.deviceCode === 'string') payload.deviceCode = mark + payload.deviceCode;
				return payload;
			},
			async findByUserCode(userCode) {
				if (!PLAUSIBLE_ID.test(userCode)) return undefined;
				return marked(await findArtifactByUserCode(sql, { model, userCode }, now()));
			},
			async findByUid(uid) {
				return PLAUSIBLE_ID.test(uid) ? marked(await findArtifactByUid(sql, { model, uid }, now())) : undefined;
			},
			async consume(id) {
				// The provider reads, checks and then consumes. Of two that redeem one code at once, only one gets past this line.
				if (!(await consumeArtifact(sql, { model, id: keyOf(id) }, now())))
					throw new InvalidGrant('it was already redeemed');
			},
			async destroy(id) {
				await deleteArtifact(sql, { model, id: keyOf(id) });
			},
			async revokeByGrantId(grantId) {
				await deleteArtifactsOfGrant(sql, { model, grantId });
			},
		};
	};
}

function hashOf(model: string, id: string): string {
	return createHash('sha256').update(`${model}\n${id}`).digest('base64url');
}

/** An interaction of somebody who is signed in names that session's cookie, which nothing reads again. */
function withoutCookie(payload: AdapterPayload): object {
	const { session } = payload as { session?: { cookie?: string } };
	return session?.cookie === undefined ? payload : { ...payload, session: { ...session, cookie: undefined } };
}

function payloadOf(stored: StoredArtifact | undefined): AdapterPayload | undefined {
	if (!stored) return undefined;
	const payload = JSON.parse(stored.payload) as AdapterPayload;
	return stored.consumedAt ? { ...payload, consumed: Math.floor(stored.consumedAt.getTime() / 1000) } : payload;
}
