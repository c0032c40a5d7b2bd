/** The configuration of each service of a development instance, through the same schemas that production uses. */
import { createHash } from 'node:crypto';
import { type CaConfig, configSchema as caSchema } from '@chancery/ca/config';
import { encodePem } from '@chancery/core/pem';
import { type CtlogConfig, configSchema as ctlogSchema } from '@chancery/ctlog/config';
import { type IdentityConfig, configSchema as identitySchema } from '@chancery/identity/config';
import { type LogConfig, configSchema as logSchema } from '@chancery/log/config';
import { type TsaConfig, configSchema as tsaSchema } from '@chancery/tsa/config';
import { type TufConfig, configSchema as tufSchema } from '@chancery/tuf/config';
import { authIssuer, ciIssuer } from '@chancery/wire/identity';
import type { DevelopmentChains } from '../bootstrap/development-chains.ts';
import type { DevelopmentKeys } from '../bootstrap/development-keys.ts';
import { HOST_NAME, urlOf } from '../instance/addresses.ts';
import type { InstanceRecord } from '../instance/instance-record.ts';

export interface Configurations {
	readonly identity: IdentityConfig;
	readonly ca: CaConfig;
	readonly log: LogConfig;
	readonly ctlog: CtlogConfig;
	readonly tsa: TsaConfig;
	/** The TUF service asks the others, so its configuration is made when their admin listeners are known. */
	tuf(trustReportUrls: readonly string[]): TufConfig;
}

export function developmentConfigurations(
	record: InstanceRecord,
	keys: DevelopmentKeys,
	chains: DevelopmentChains,
): Configurations {
	const { secrets, treeId } = record;
	const admin = {
		tokens: [
			{ name: 'up', role: 'operator' as const, sha256: sha256Hex(secrets.operator) },
			{ name: 'tuf', role: 'service' as const, sha256: sha256Hex(secrets.service) },
		],
	};
	const url = (service: Parameters<typeof urlOf>[1]) => urlOf(record, service);
	return {
		identity: identitySchema.parse({ publicUrl: url('identity'), developmentLogin: true, admin }),
		ca: caSchema.parse({
			publicUrl: url('ca'),
			chainPem: chains.ca,
			ctlog: { url: url('ctlog'), publicKeyPem: encodePem('PUBLIC KEY', keys.signers.ctlog.publicKey) },
			issuers: [
				{ type: 'email', issuer: authIssuer(url('identity')) },
				{ type: 'github-actions', issuer: ciIssuer(url('identity')) },
			],
			admin,
		}),
		log: logSchema.parse({
			v1: { publicUrl: url('log'), hostname: HOST_NAME, treeId },
			v2: { publicUrl: url('log2'), origin: HOST_NAME },
			admin,
		}),
		ctlog: ctlogSchema.parse({ publicUrl: url('ctlog'), description: 'Chancery development log', admin }),
		tsa: tsaSchema.parse({ publicUrl: url('tsa'), chainPem: chains.tsa, admin }),
		tuf: (trustReportUrls) =>
			tufSchema.parse({
				publicUrl: url('tuf'),
				operator: HOST_NAME,
				services: trustReportUrls.map((trustReportUrl) => ({ trustReportUrl, bearer: secrets.service })),
				admin,
			}),
	};
}

function sha256Hex(text: string): string {
	return createHash('sha256').update(text).digest('hex');
}
