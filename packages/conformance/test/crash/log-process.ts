/**
 * The process that gets killed: both signature logs and the CT log over one database, as `chancery up` puts them
 * together, without the other services so that a start takes little time. Real keys, and file marks unless the plan
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
import { ctlog } from '@chancery/ctlog/definition';
import { openFileKey } from '@chancery/keys/file/file-key';
import { log } from '@chancery/log/definition';
import { migrateAll } from '@chancery/postgres/migrate';
import { openDatabase } from '@chancery/postgres/pool';
import { checkDurability } from '@chancery/tlog/durability';
import type { ProcessPlan } from './process-plan.ts';
import { openSharedMark } from './shared-mark.ts';

process.stdin.resume().once('close', () => process.exit(1));
const plan = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as ProcessPlan;
const logger = createLogger({ level: 'warn', json: true, name: 'crash' });

const key = (name: string) => openFileKey(join(plan.keyFolder, `${name}.pem`));
const [v1, v2, ct] = await Promise.all([key('v1'), key('v2'), key('ct')]);
const signers = { log: { v1, v2 }, ctlog: { signer: ct } };
const database = openDatabase({
	url: plan.databaseUrl,
	applicationName: plan.name,
	maxConnections: 20,
	admit: checkDurability,
});

const markFile = (name: string) => join(plan.markFolder, `${name}.mark`);
const admin = { tokens: [{ name: 'campaign', role: 'operator', sha256: plan.adminTokenSha256 }] };
const configs = {
	log: log.config().parse({
		v1: { publicUrl: 'https://log.test', hostname: 'log.test', treeId: plan.treeId, export: plan.exports?.v1 },
		v2: { publicUrl: 'https://log2.test', origin: 'log2.test', export: plan.exports?.v2 },
		markFiles: { v1: markFile('v1'), v2: markFile('v2') },
		admin,
	}),
	ctlog: ctlog.config().parse({
		publicUrl: 'https://ct.test',
		export: plan.exports?.ct,
		markFile: markFile('ct'),
		admin,
	}),
};
const shared = (name: string) => openSharedMark(`${plan.sharedMarkUrl}/${name}`);
const marks =
	plan.sharedMarkUrl === undefined
		? { log: log.openMarks(configs.log), ctlog: ctlog.openMarks(configs.ctlog) }
		: { log: { v1: shared('v1'), v2: shared('v2') }, ctlog: { mark: shared('ct') } };

const deps = {
	database,
	profile: 'development' as const,
	clock: Date.now,
	random: (length: number) => new Uint8Array(randomBytes(length)),
	fetch,
	logger,
};
const forLog = { ...deps, config: configs.log, signers: signers.log, marks: marks.log };
const forCtlog = { ...deps, config: configs.ctlog, signers: signers.ctlog, marks: marks.ctlog };

// The same as at every start of an instance: a kill may hit it anywhere, also in the first migration.
await Promise.all([migrateAll(database, log.migrations), migrateAll(database, ctlog.migrations)]);
await log.createLogs?.(forLog);
await ctlog.createLogs?.(forCtlog);

const loopback = (port: number) => ({ host: '127.0.0.1', port });
const start = (service: Service, addresses: Record<string, number>) =>
	startService(service, {
		logger,
		addresses: Object.fromEntries(Object.entries(addresses).map(([name, port]) => [name, loopback(port)])),
	});

const [logService, ctService] = await Promise.all([log.open(forLog), ctlog.open(forCtlog)]);
const { ports } = plan;
await Promise.all([
	start(logService, { v1: ports.v1, v2: ports.v2, admin: ports.logAdmin }),
	start(ctService, { public: ports.ct, admin: ports.ctAdmin }),
]);
process.stdout.write('ready\n');
