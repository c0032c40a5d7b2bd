import type { LogName } from './proposals.ts';

/** What a log process is told at its start; everything that outlives it. */
export interface ProcessPlan {
	/** Shown in the server's `pg_stat_activity`. */
	readonly name: string;
	readonly databaseUrl: string;
	/** Holds `v1.pem`, `v2.pem` and `ct.pem`. */
	readonly keyFolder: string;
	readonly markFolder: string;
	/** Present when several processes share one mark. */
	readonly sharedMarkUrl?: string;
	/** `export` of each log's section, as a configuration file would have it; secrets by environment. */
	readonly exports?: Readonly<Partial<Record<LogName, object>>>;
	/** Decimal tree id of the v1 log. */
	readonly treeId: string;
	readonly adminTokenSha256: string;
	/** The same after every restart: clients come back to the address they know. */
	readonly ports: {
		readonly v1: number;
		readonly v2: number;
		readonly logAdmin: number;
		readonly ct: number;
		readonly ctAdmin: number;
	};
}
