/** Asks a running development instance for an identity token, with the secret that only its data folder holds. */
import { CallError, call } from '@chancery/net/call';
import { type DevelopmentPreset, mintDevelopmentToken } from '@chancery/wire/identity';
import { urlOf } from '../instance/addresses.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { Refusal } from '../instance/refusal.ts';
import { trustInstance } from '../instance/trust-instance.ts';

/** Where the token comes from: an instance of `up`, or any identity service with a development secret. */
export type TokenSource =
	| { readonly data: string }
	| {
			/** Base URL of the identity service. */
			readonly url: string;
			readonly secret: string;
	  };

export type TokenOrder = TokenSource & TokenContent;

interface TokenContent {
	readonly audience: string;
	readonly email?: string;
	readonly preset?: DevelopmentPreset;
	readonly claims?: Record<string, unknown>;
}

/** @throws {Refusal} when there is no instance, or none is running */
export async function mintToken(order: TokenOrder): Promise<string> {
	const { audience, email, preset, claims } = order;
	const body = {
		audience,
		...(email === undefined ? {} : { email }),
		...(preset === undefined ? {} : { preset }),
		...(claims === undefined ? {} : { claims }),
	};
	if ('url' in order) return mint(order.url, order.secret, body, 'is it running?');
	const { data } = order;
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance; start one with 'chancery up --data ${data}'`);
	trustInstance(folder);
	const hint = `is 'chancery up --data ${data}' running?`;
	return mint(urlOf(record, 'identity'), record.secrets.developmentToken, body, hint);
}

async function mint(url: string, secret: string, body: TokenContent, advice: string): Promise<string> {
	try {
		const headers = { authorization: `Bearer ${secret}` };
		return (await call(mintDevelopmentToken, url, { body }, { fetch, headers })).body.token;
	} catch (error) {
		if (!(error instanceof CallError)) throw error;
		const hint = error.status === undefined ? `; ${advice}` : '';
		throw new Refusal(`${error.message}${hint}`, { cause: error });
	}
}
