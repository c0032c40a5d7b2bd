/** Keeps the provider's artifacts in the database. One adapter per model, as the library wants it. */
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
	return (model): Adapter => ({
		async upsert(id, payload, expiresIn) {
			// Everything the provider stores here has a lifetime in its configuration; without one it would stay for ever.
			if (expiresIn === undefined) throw new TypeError(`${model} has no lifetime`);
			await putArtifact(sql, {
				model,
				id,
				payload: JSON.stringify(payload),
				grantId: payload.grantId ?? null,
				userCode: payload.userCode ?? null,
				uid: payload.uid ?? null,
				expiresAt: new Date(deps.clock() + expiresIn * 1000),
			});
		},
		async find(id) {
			return PLAUSIBLE_ID.test(id) ? payloadOf(await findArtifact(sql, { model, id }, now())) : undefined;
		},
		async findByUserCode(userCode) {
			if (!PLAUSIBLE_ID.test(userCode)) return undefined;
			return payloadOf(await findArtifactByUserCode(sql, { model, userCode }, now()));
		},
		async findByUid(uid) {
			return PLAUSIBLE_ID.test(uid) ? payloadOf(await findArtifactByUid(sql, { model, uid }, now())) : undefined;
		},
		async consume(id) {
			// The provider reads, checks and then consumes. Of two that redeem one code at once, only one gets past this line.
			if (!(await consumeArtifact(sql, { model, id }, now()))) throw new InvalidGrant('it was already redeemed');
		},
		async destroy(id) {
			await deleteArtifact(sql, { model, id });
		},
		async revokeByGrantId(grantId) {
			await deleteArtifactsOfGrant(sql, { model, grantId });
		},
	});
}

function payloadOf(stored: StoredArtifact | undefined): AdapterPayload | undefined {
	if (!stored) return undefined;
	const payload = JSON.parse(stored.payload) as AdapterPayload;
	return stored.consumedAt ? { ...payload, consumed: Math.floor(stored.consumedAt.getTime() / 1000) } : payload;
}
