/**
 * Machine clients: programs that have a secret of their own and sign under an address that the operator gave them. For build
 * servers without tokens of their own; where there are such, an exchange needs no secret.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Environment, secret } from '@chancery/chassis/config/secret';
import { emailAddress } from '@chancery/wire/identity';
import { z } from 'zod';
import { type Account, accountOf } from '../domain/account.ts';

const MAX_CLIENTS = 256;

/** Setting `machineClients`. */
export function machineClientsSchema(env?: Environment) {
	return z
		.array(
			z.strictObject({
				id: z
					.string()
					.min(1)
					.max(200)
					.regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
					.describe('Client id; part of the subject of its tokens. Not one of the public `clients`.'),
				secret: secret(env).describe(
					'{ file } or { env } with its secret, at least 16 characters: whoever has it signs as this machine.',
				),
				email: emailAddress.describe('The address in its tokens and certificates. It counts as verified.'),
				name: z.string().min(1).max(200).optional().describe('For people: the `name` claim.'),
			}),
		)
		.max(MAX_CLIENTS)
		.refine((clients) => new Set(clients.map(({ id }) => id)).size === clients.length, {
			message: 'two machine clients have the same id',
		});
}

export type MachineClientSettings = z.output<ReturnType<typeof machineClientsSchema>>[number];

export interface MachineClient {
	readonly id: string;
	readonly name: string | undefined;
	readonly account: Account;
	/** Compares digests in constant time: the time of a refusal shows neither content nor length of the secret. */
	isSecret(given: string): boolean;
}

/** Machine clients by id. `connectorId` vouches for them. Of a secret only its digest is kept. */
export function openMachineClients(
	settings: readonly MachineClientSettings[],
	connectorId: string,
): ReadonlyMap<string, MachineClient> {
	return new Map(
		settings.map((each) => {
			const expected = digest(each.secret.reveal());
			const client: MachineClient = {
				id: each.id,
				name: each.name,
				account: accountOf({ connectorId, userId: each.id, email: each.email, emailVerified: true }),
				isSecret: (given) => timingSafeEqual(digest(given), expected),
			};
			return [each.id, client];
		}),
	);
}

function digest(text: string): Uint8Array {
	return new Uint8Array(createHash('sha256').update(text, 'utf8').digest());
}
