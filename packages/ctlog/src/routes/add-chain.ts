/** POST /ct/v1/add-chain and /ct/v1/add-pre-chain: a chain in base64, an SCT taken apart. */
import { mount } from '@chancery/chassis/http/mount';
import { toBase64 } from '@chancery/core/bytes';
import { type AddChainReply, addChain, addPreChain } from '@chancery/wire/ct';
import type { FastifyInstance } from 'fastify';
import type { EntryType } from '../domain/log-entry.ts';
import { type SubmitDeps, submitChain } from '../domain/submit-chain.ts';
import { withEngineErrors } from '../errors.ts';
import { decodeBase64 } from './base64.ts';

export function mountAddChain(app: FastifyInstance, deps: SubmitDeps): void {
	const answer = async (type: EntryType, chain: readonly string[]) => {
		const ders = chain.map((text, i) => decodeBase64(text, `chain[${i}]`, 'malformed-chain'));
		const sct = await withEngineErrors(() => submitChain(deps, type, ders));
		const body: AddChainReply = {
			sct_version: 0,
			id: toBase64(sct.logId),
			timestamp: sct.timestampMs,
			extensions: toBase64(sct.extensions),
			signature: toBase64(sct.digitallySigned),
		};
		return { status: 200, body } as const;
	};
	mount(app, addChain, ({ body }) => answer('x509', body.chain));
	mount(app, addPreChain, ({ body }) => answer('precert', body.chain));
}
