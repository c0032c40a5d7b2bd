/** The openssl command as an independent judge of what we write and as a source of what we read. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of its own, in which openssl runs; `using`, or `remove` it after the tests. */
export class OpensslFolder implements Disposable {
	readonly path = mkdtempSync(join(tmpdir(), 'chancery-openssl-'));

	constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
		for (const [name, content] of Object.entries(files)) this.write(name, content);
	}

	/**
	 * Runs openssl inside the folder and returns what it prints.
	 * @throws {Error} with its complaint when it fails
	 */
	run(...args: readonly string[]): string {
		return this.runForBytes(...args).toString('utf8');
	}

	runForBytes(...args: readonly string[]): Buffer {
		return execFileSync('openssl', args, { cwd: this.path, stdio: ['ignore', 'pipe', 'pipe'] });
	}

	read(name: string): Uint8Array {
		return new Uint8Array(readFileSync(join(this.path, name)));
	}

	readText(name: string): string {
		return readFileSync(join(this.path, name), 'utf8');
	}

	write(name: string, content: string | Uint8Array): void {
		writeFileSync(join(this.path, name), content);
	}

	remove(): void {
		rmSync(this.path, { recursive: true });
	}

	[Symbol.dispose](): void {
		this.remove();
	}
}
