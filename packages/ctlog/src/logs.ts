/** The log of this service, for whoever creates, audits or repairs it: by the name that an operator knows it by. */
import type { ServiceLog } from '@chancery/tlog/service-log';
import type { CtlogConfig } from './config.ts';
import { LOG_ID, logIdentityOf } from './domain/log-identity.ts';
import { SCHEMA } from './store/migrations.ts';

export const CT_LOGS: Readonly<Record<'ctlog', ServiceLog<CtlogConfig>>> = {
	ctlog: {
		schema: SCHEMA,
		logId: LOG_ID,
		key: 'signer',
		mark: 'mark',
		checks: ['log', 'head'],
		identity: (config, { publicKey }, mode) => logIdentityOf({ ...config, mode }, publicKey),
	},
};
