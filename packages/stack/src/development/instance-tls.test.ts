/** A run that lasts longer than the first half of its certificate. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { afterEach, expect, it, vi } from 'vitest';
import { openDevelopmentTls } from '../bootstrap/development-tls.ts';
import { makeParts, openDataFolder } from '../instance/data-folder.ts';
import { keepTlsRenewed } from './instance-tls.ts';

const DAY_MS = 86_400_000;
const POLLING = { timeout: 30_000 };
const base = mkdtempSync(join(tmpdir(), 'chancery-renewal-'));
afterEach(() => {
	vi.useRealTimers();
	rmSync(base, { recursive: true });
});

it('a certificate of our own is renewed while the instance runs, and a failure is told and tried again', async () => {
	const lines: string[] = [];
	const destination = { write: (line: string) => void lines.push(line) };
	const log = createLogger({ level: 'info', json: true, name: 'test', destination });
	const folder = await openDataFolder(join(base, 'data'));
	await makeParts(folder);
	const { certificateFile } = await openDevelopmentTls(folder.keys, 'localhost', Date.now() - 60 * DAY_MS);
	const key = join(folder.keys, 'tls-ca.pem');
	const notAfter = () => new X509Certificate(readFileSync(certificateFile)).validToDate.getTime();
	expect(notAfter()).toBeLessThan(Date.now() + 31 * DAY_MS);

	vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
	const end = keepTlsRenewed(folder, { from: 'development' }, 'localhost', log);
	chmodSync(key, 0o644);
	vi.advanceTimersByTime(3_600_000);
	await vi.waitFor(
		() => expect(lines.join('')).toMatch(/"level":"error".*tls-ca\.pem has mode 0644.*could not be renewed/),
		POLLING,
	);
	expect(notAfter()).toBeLessThan(Date.now() + 31 * DAY_MS);

	chmodSync(key, 0o600);
	vi.advanceTimersByTime(3_600_000);
	await vi.waitFor(() => expect(notAfter()).toBeGreaterThan(Date.now() + 89 * DAY_MS), POLLING);
	end();
	expect(vi.getTimerCount()).toBe(0);
});
