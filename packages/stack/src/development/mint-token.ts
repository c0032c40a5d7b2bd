/** Asks a running development instance for an identity token, with the secret that only its data folder holds. */
import { CallError, call } from '@chancery/net/call';
import { mintDevelopmentToken } from '@chancery/wire/identity';
import { urlOf } from '../instance/addresses.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { Refusal } from '../instance/refusal.ts';
import { trustInstance } from '../instance/trust-instance.ts';

export interface TokenOrder {
	readonly data: string;
	readonly audience: string;
	readonly email?: string;
	readonly claims?: Record<string, unknown>;
}

/** @throws {Refusal} when there is no instance, or none is running */
export async function mintToken({ data, ...body }: TokenOrder): Promise<string> {
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance; start one with 'chancery up --data ${data}'`);
	trustInstance(folder);
	try {
		const reply = await call(
			mintDevelopmentToken,
			urlOf(record, 'identity'),
			{ body },
			{
				fetch,
				headers: { authorization: `Bearer ${record.secrets.developmentToken}` },
			},
		);
		return reply.body.token;
	} catch (error) {
		if (!(error instanceof CallError)) throw error;
		const hint = error.status === undefined ? `; is 'chancery up --data ${data}' running?` : '';
		throw new Refusal(`${error.message}${hint}`, { cause: error });
	}
}
