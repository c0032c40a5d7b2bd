/** The logs of this service, for whoever creates, audits or repairs them: by the names that an operator knows them by. */
import type { ServiceLog } from '@chancery/tlog/service-log';
import type { LogConfig } from './config.ts';
import { identityV1, identityV2, V1_LOG_ID, V2_LOG_ID } from './domain/log-identities.ts';
import { SCHEMA } from './store/migrations.ts';

export const SIGNATURE_LOGS: Readonly<Record<'v1' | 'v2', ServiceLog<LogConfig>>> = {
	v1: { schema: SCHEMA, logId: V1_LOG_ID, key: 'v1', mark: 'v1', checks: ['v1'], identity: identityV1 },
	v2: { schema: SCHEMA, logId: V2_LOG_ID, key: 'v2', mark: 'v2', checks: ['v2'], identity: identityV2 },
};
