/** openssl in a folder. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const WITHIN_MS = 60_000;

export async function opensslIn(folder: string, args: readonly string[]): Promise<void> {
	await run('openssl', [...args], { cwd: folder, timeout: WITHIN_MS });
}
