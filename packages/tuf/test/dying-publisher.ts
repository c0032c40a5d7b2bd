/** Publishes the given root and dies when the mark is to move: after COMMIT, before anybody was told. */

import { readFileSync } from 'node:fs';
import { createMetrics } from '@chancery/chassis/metrics';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { openDatabase } from '@chancery/postgres/pool';
import { configSchema } from '../src/config.ts';
import { publishRoot } from '../src/domain/publish.ts';
import { RepositoryMark } from '../src/domain/repository-mark.ts';
import { TUF_SERIES } from '../src/metrics.ts';

const [url = '', markFile = '', rootFile = '', snapshotKey = '', timestampKey = '', nowMs = ''] = process.argv.slice(2);
const place = openFileMark(markFile);
const database = openDatabase({ url, applicationName: 'dying publisher' });
/** Before there are targets nothing is signed online. */
const signer = (publicKey: string) => ({
	algorithm: 'ed25519' as const,
	publicKey: Uint8Array.fromHex(publicKey),
	sign: () => Promise.reject(new Error('nothing to sign')),
});
const advance = async () => {
	process.kill(process.pid, 'SIGKILL');
	await new Promise(() => undefined);
};
await publishRoot(
	{
		database,
		clock: () => Number(nowMs),
		config: configSchema().parse({ publicUrl: 'http://tuf.test', operator: 'tuf.test', services: [] }),
		fetch,
		snapshotSigner: signer(snapshotKey),
		timestampSigner: signer(timestampKey),
		mark: new RepositoryMark({ ...place, advance }, database, 'http://tuf.test'),
		metrics: createMetrics('tuf', { series: TUF_SERIES }),
	},
	JSON.parse(readFileSync(rootFile, 'utf8')),
);
