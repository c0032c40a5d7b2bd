/**
 * Stores the provider's artifacts in the database. One adapter per model, as the library requires.
 *
 * The id of a code, session or interaction is a bearer secret: everyone who has it is treated as its owner. So the database
 * contains only hashes of ids, in the key and wherever an id is part of a payload. Ids are random, so plain SHA-256 is enough.
 * A reader of the tables, of a backup or of the server's log can observe sign-ins, but cannot take part in them.
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
	insertArtifact,
	putArtifact,
	type StoredArtifact,
} from '../store/artifacts.ts';

/** Ids come from cookies, codes and client ids that anyone may send. A text that cannot be an id is not looked up. */
const PLAUSIBLE_ID = /^[\x21-\x7e]{1,256}$/;

/** The model of proofs that were used (RFC 9449 section 11.1). */
const PROOFS = 'ReplayDetection';
/** The provider takes proofs dated up to a lifetime ahead, and asks for one lifetime from now: such a proof is good for two. */
const PROOF_LIFETIMES = 2;

/** The adapter factory of a provider. */
export function artifactAdapter(deps: { readonly database: Sql; readonly clock: Clock }): AdapterFactory {
	const sql = deps.database;
	const now = () => new Date(deps.clock());
	// An artifact that was found by something else than its id has only the hash of the id. The provider gets this hash with a
	// prefix that no request can contain, because it is never stored and never sent.
	const mark = `found-${randomBytes(32).toString('base64url')}-`;

	return (model): Adapter => {
		const keyOf = (id: string) => (id.startsWith(mark) ? id.slice(mark.length) : hashOf(model, id));
		const marked = (stored: StoredArtifact | undefined) => {
			const payload = payloadOf(stored);
			return payload && { ...payload, jti: mark + payload.jti };
		};
		return {
			async upsert(id, payload, expiresIn) {
				// Every artifact that the provider stores here has a configured lifetime; without one it would stay forever.
				if (expiresIn === undefined) throw new TypeError(`${model} has no lifetime`);
				const artifact = {
					model,
					id: keyOf(id),
					// The payload contains the id itself and, for an interaction, also in the address where it continues.
					payload: JSON.stringify(withoutCookie(payload)).replaceAll(id, keyOf(id)).replaceAll(mark, ''),
					grantId: payload.grantId ?? null,
					userCode: payload.userCode ?? null,
					uid: payload.uid ?? null,
					expiresAt: new Date(deps.clock() + expiresIn * 1000 * (model === PROOFS ? PROOF_LIFETIMES : 1)),
				};
				if (model !== PROOFS) await putArtifact(sql, artifact);
				// The provider has looked and found nothing. Of two requests with one proof at the same time, only one gets past this line.
				else if (!(await insertArtifact(sql, artifact, now()))) throw new InvalidGrant('the proof was already used');
			},
			async find(id) {
				if (!PLAUSIBLE_ID.test(id)) return undefined;
				const stored = await findArtifact(sql, { model, id: keyOf(id) }, now());
				const payload = payloadOf(stored && { ...stored, payload: stored.payload.replaceAll(keyOf(id), id) });
				// The device code of this sign-in was found by the user code that the person typed.
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
				// The provider reads, checks and then consumes. Of two requests with one code at the same time, only one gets past this line.
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

/** An interaction of a signed-in person contains that session's cookie, which is never read again. */
function withoutCookie(payload: AdapterPayload): object {
	const { session } = payload as { session?: { cookie?: string } };
	return session?.cookie === undefined ? payload : { ...payload, session: { ...session, cookie: undefined } };
}

function payloadOf(stored: StoredArtifact | undefined): AdapterPayload | undefined {
	if (!stored) return undefined;
	const payload = JSON.parse(stored.payload) as AdapterPayload;
	return stored.consumedAt ? { ...payload, consumed: Math.floor(stored.consumedAt.getTime() / 1000) } : payload;
}
