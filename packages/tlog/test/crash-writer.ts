/**
 * A log process that kills itself: node crash-writer.ts URL SCHEMA MARK KEY-PEM HOOK NTH FIRST COUNT
 *
 * Submits the texts `entry FIRST` to `entry FIRST+COUNT-1` and kills itself at the NTH call of HOOK. What it was
 * answered before, it prints, one JSON object per line: only what stands on its standard output was acknowledged.
 */
import { createHash, createPrivateKey } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { openDatabase } from '@chancery/postgres/pool';
import type { BatchHooks } from '../src/hooks.ts';
import { openLog } from '../src/log/log.ts';
import { identityOf, makeReceipt, signStatement } from './statement.ts';

const [url = '', schema = '', markPath = '', keyPem = '', hook = '', nth = '', first = '', count = ''] =
	process.argv.slice(2);
const key = createPrivateKey(keyPem);

let calls = 0;
const hooks: BatchHooks = {
	[hook]: () => {
		calls += 1;
		if (calls === Number(nth)) process.kill(process.pid, 'SIGKILL');
	},
};

const log = await openLog({
	database: openDatabase({ url, applicationName: 'crash-writer', maxConnections: 4 }),
	schema,
	identity: identityOf(key),
	mark: openFileMark(markPath),
	clock: Date.now,
	signHead: async (head) => signStatement(head, key),
	signReceipt: async (entry) => makeReceipt(entry),
	hooks,
});

for (let i = 0; i < Number(count); i += 10) {
	// Ten at a time: batches of several entries, and several batches.
	const texts = Array.from({ length: 10 }, (_, n) => `entry ${Number(first) + i + n}`);
	await Promise.all(
		texts.map(async (text) => {
			const leaf = new TextEncoder().encode(text);
			const identity = new Uint8Array(createHash('sha256').update(leaf).digest());
			const answer = await log.submit({ identity, encode: () => ({ leaf, extra: null, searchKeys: [] }) });
			const { size, root } = answer.publication;
			const line = {
				text,
				index: answer.index,
				receipt: new TextDecoder().decode(answer.receipt ?? undefined),
				size,
				root: Buffer.from(root).toString('hex'),
			};
			// Written with the system call, so that a kill right after cannot take it back.
			writeSync(1, `${JSON.stringify(line)}\n`);
		}),
	);
}
process.exit(0);
