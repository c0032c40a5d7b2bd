/** What a start prints can be pasted, one line after the other, and all of it once more. */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CLIENTS, type ClientName } from '@chancery/testkit/peers/peer-table';
import { expect, inject, it } from 'vitest';
import { CHECKOUT } from './default-instance.ts';
import { install } from './installs.ts';
import { makeReader } from './reader.ts';
import { runPage } from './run-page.ts';

/** The clients by the words with which their lines begin. */
const PRINTED: Readonly<Record<string, ClientName | undefined>> = { cosign: 'cosign 3', sigstore: 'sigstore-python' };

const ENVIRONMENT = 'sigstore-env';

function pathOf(client: ClientName): string | undefined {
	const found = inject('clients')[client];
	return 'path' in found ? found.path : undefined;
}

const lines = inject('saidAtStart')
	.split('\n')
	.filter((line) => /^ {2}(\S*\/chancery|cosign|sigstore) /.test(line))
	.map((line) => line.trim())
	.filter((line) => {
		const client = PRINTED[line.split(' ')[0] as string];
		return client === undefined || pathOf(client) !== undefined;
	});

it('are the commands of this project, of cosign and of sigstore-python', () => {
	expect(lines.map((line) => line.split(' ')[0]?.split('/').at(-1)).sort()).toEqual(
		['chancery', 'chancery', 'cosign', 'cosign', 'cosign', 'sigstore', 'sigstore'].filter(
			(word) => PRINTED[word] === undefined || pathOf(PRINTED[word]) !== undefined,
		),
	);
});

it('can be pasted one after the other, twice', async () => {
	const reader = await makeReader('instance', inject('homeOfInstance'));
	try {
		for (const client of Object.values(PRINTED)) {
			if (client === undefined || pathOf(client) === undefined) continue;
			const from = CLIENTS[client].from;
			await install(
				from === 'pip' ? { client, kind: 'pip', folder: ENVIRONMENT } : { client, kind: 'go' },
				pathOf,
				reader,
			);
		}
		await copyFile(join(CHECKOUT, 'README.md'), join(reader.folder, 'README.md'));
		const path = [join(reader.home, 'go/bin'), join(reader.home, ENVIRONMENT, 'bin'), ...reader.path];
		const blocks = [...lines, ...lines].map((code, i) => ({
			line: i + 1,
			how: 'run' as const,
			code,
			output: undefined,
			above: '',
		}));
		const results = await runPage(blocks, { ...reader, path });
		for (const { line, code } of blocks) {
			const { code: exit, printed = '' } = results.get(line) ?? {};
			expect(exit, `${code}\n${printed}`).toBe(0);
		}
	} finally {
		await rm(reader.base, { recursive: true, force: true });
	}
});
