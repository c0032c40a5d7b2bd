/**
 * The process that gets killed: both signature logs and the CT log over one database, as `chancery up` puts them
 * together, without the rest of the house so that a start takes little time. Real keys, and file marks unless the plan
 * names a mark that several processes share.
 *
 * Started with one argument, the path of a `ProcessPlan`. Says `ready` on standard output when all listeners answer.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { startService } from '@chancery/chassis/process/running-service';
import type { Service } from '@chancery/chassis/service';
import { configSchema as ctlogConfigSchema } from '@chancery/ctlog/config';
import { createCtlog } from '@chancery/ctlog/domain/log-identity';
import { createService as createCtlogService } from '@chancery/ctlog/service';
import { migrateSchema as migrateCtlog } from '@chancery/ctlog/store/migrations';
import { openFileKey } from '@chancery/keys/file/file-key';
import { configSchema as logConfigSchema } from '@chancery/log/config';
import { createLogs } from '@chancery/log/domain/create-logs';
import { createService as createLogService } from '@chancery/log/service';
import { migrateSchema as migrateLog } from '@chancery/log/store/migrations';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { openDatabase } from '@chancery/postgres/pool';
import { checkDurability } from '@chancery/tlog/durability';
import type { ProcessPlan } from './process-plan.ts';
import { openSharedMark } from './shared-mark.ts';

process.stdin.resume().once('close', () => process.exit(1));
const plan = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as ProcessPlan;
const logger = createLogger({ level: 'warn', json: true, name: 'crash' });

const [v1Signer, v2Signer, ctSigner] = await Promise.all(
	['v1', 'v2', 'ct'].map((name) => openFileKey(join(plan.keyFolder, `${name}.pem`))),
);
if (!v1Signer || !v2Signer || !ctSigner) throw new Error('three keys are needed');
const database = openDatabase({
	url: plan.databaseUrl,
	applicationName: plan.name,
	maxConnections: 20,
	admit: checkDurability,
});
const mark = (name: string) =>
	plan.sharedMarkUrl === undefined
		? openFileMark(join(plan.markFolder, `${name}.mark`))
		: openSharedMark(`${plan.sharedMarkUrl}/${name}`);

const admin = { tokens: [{ name: 'campaign', role: 'operator', sha256: plan.adminTokenSha256 }] };
const logConfig = logConfigSchema.parse({
	v1: { publicUrl: 'https://log.test', hostname: 'log.test', treeId: plan.treeId, export: plan.exports?.v1 },
	v2: { publicUrl: 'https://log2.test', origin: 'log2.test', export: plan.exports?.v2 },
	admin,
});
const ctConfig = ctlogConfigSchema.parse({
	publicUrl: 'https://ct.test',
	export: plan.exports?.ct,
	admin,
});

// The same as at every start of an instance: a kill may hit it anywhere, also in the first migration.
await Promise.all([migrateLog(database), migrateCtlog(database)]);
await createLogs({ database, config: logConfig, mode: 'development', v1Signer, v2Signer });
await createCtlog(database, { ...ctConfig, mode: 'development' }, ctSigner.publicKey);

const deps = {
	database,
	clock: Date.now,
	random: (length: number) => new Uint8Array(randomBytes(length)),
	fetch,
	logger,
};
const loopback = (port: number) => ({ host: '127.0.0.1', port });
const start = (service: Service, addresses: Record<string, number>) =>
	startService(service, {
		logger,
		addresses: Object.fromEntries(Object.entries(addresses).map(([name, port]) => [name, loopback(port)])),
	});

const [logService, ctService] = await Promise.all([
	createLogService({
		...deps,
		config: logConfig,
		mode: 'development',
		v1Signer,
		v2Signer,
		marks: { v1: mark('v1'), v2: mark('v2') },
		allowCreateMark: true,
	}),
	createCtlogService({
		...deps,
		config: ctConfig,
		mode: 'development',
		signer: ctSigner,
		mark: mark('ct'),
		allowCreateMark: true,
	}),
]);
const { ports } = plan;
await Promise.all([
	start(logService, { v1: ports.v1, v2: ports.v2, admin: ports.logAdmin }),
	start(ctService, { public: ports.ct, admin: ports.ctAdmin }),
]);
process.stdout.write('ready\n');
