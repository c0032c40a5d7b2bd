/** `chancery log audit` on a running instance: in its database, and over HTTP as anybody may. */
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chancery, openInstance } from './running-instance.ts';

const instance = openInstance('instance');
const folder = mkdtempSync(join(tmpdir(), 'chancery-audit-'));

/** As `openssl pkey -pubout` writes it. */
function publicKeyFile(name: string): string {
	const path = join(folder, `${name}.pem`);
	const key = createPublicKey(readFileSync(join(instance.data, 'keys', `${name}.pem`)));
	writeFileSync(path, key.export({ type: 'spki', format: 'pem' }));
	return path;
}

it('finds the three logs of a running instance correct', async () => {
	// The marks lie in the state folder of whoever started the instance.
	process.env.XDG_STATE_HOME = join(instance.data, '..', 'state');
	const printed = JSON.parse(await chancery('log', 'audit', '--data', instance.data, '--json'));
	expect(printed).toMatchObject({ correct: true, logs: [{ log: 'v1' }, { log: 'v2' }, { log: 'ctlog' }] });
	for (const { problems, size } of printed.logs) expect([problems, size > 0]).toEqual([0, true]);
	expect(await chancery('log', 'audit', '--data', instance.data, '--log', 'v1')).toMatch(
		/^v1: correct: 'localhost - \d+'/,
	);
});

it.each([
	['log2', 'log-v2', 'localhost'],
	['ctlog', 'ctlog', undefined],
] as const)('audits the %s over HTTP, and only with its key', async (service, key, origin) => {
	const url = instance.urls[service];
	const printed = await chancery(
		...['log', 'audit', '--url', url, '--key', publicKeyFile(key), '--json'],
		...(origin ? ['--origin', origin] : []),
	);
	expect(JSON.parse(printed)).toMatchObject({ correct: true, logs: [{ log: url, problems: 0 }] });
	await expect(chancery('log', 'audit', '--url', url, '--key', publicKeyFile('tsa'))).rejects.toMatchObject({
		code: 1,
		stdout: expect.stringMatching(/checkpoint: .*no known key has signed/),
	});
});

it.each([
	['a URL without a key', ['--url', 'http://localhost:1']],
	['a key without a URL', ['--key', 'x']],
	['two places', ['--url', 'http://localhost:1', '--folder', '/tmp', '--key', 'x']],
	['an unknown log', ['--log', 'v3']],
])('refuses %s as wrong usage', async (_what, args) => {
	await expect(chancery('log', 'audit', ...args)).rejects.toMatchObject({ code: 2 });
});

it('says what cannot be read', async () => {
	const url = 'http://127.0.0.1:1';
	await expect(chancery('log', 'audit', '--url', url, '--key', publicKeyFile('log-v2'))).rejects.toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/127\.0\.0\.1:1\/checkpoint gave no answer/),
	});
	await expect(chancery('log', 'audit', '--data', folder)).rejects.toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/holds no instance/),
	});
});
