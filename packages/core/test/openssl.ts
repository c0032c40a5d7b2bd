/**
 * The openssl command as an independent judge of what we write and as a source of what we read.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own for one test file; `remove` it in afterAll. */
export class OpensslFolder {
	readonly path = mkdtempSync(join(tmpdir(), 'chancery-core-'));

	/** Runs openssl inside the folder and answers what it prints. Throws with its complaint when it fails. */
	run(...args: readonly string[]): string {
		return execFileSync('openssl', args, { cwd: this.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
	}

	read(name: string): Uint8Array {
		return new Uint8Array(readFileSync(join(this.path, name)));
	}

	write(name: string, content: string | Uint8Array): void {
		writeFileSync(join(this.path, name), content);
	}

	remove(): void {
		rmSync(this.path, { recursive: true });
	}
}
