/** An export store in memory, with the conditions of the real ones, that can be made to die at any of its writes. */
import type { ExportStore, StoredCheckpoint } from '../src/export/export-store.ts';

export class Crash extends Error {}

export class MemoryStore implements ExportStore {
	readonly name = 'memory';
	readonly objects = new Map<string, Uint8Array>();
	/** Writes so far, those of the checkpoint included. */
	writes = 0;
	/** The write with this number does not happen, and neither does anything after it. */
	crashAt = Number.POSITIVE_INFINITY;
	/** Runs before each swap of the checkpoint: what another exporter does in that moment. */
	beforeSwap: (() => Promise<void>) | undefined;
	#version = 0;

	async open() {}
	async close() {}

	#write(path: string, bytes: Uint8Array): void {
		if (++this.writes >= this.crashAt) throw new Crash(`write ${this.crashAt}: ${path}`);
		this.objects.set(path, bytes);
	}

	async create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
		if (this.objects.has(path)) return 'exists';
		this.#write(path, bytes);
		return 'created';
	}

	async has(path: string) {
		return this.objects.has(path);
	}

	async read(path: string) {
		return this.objects.get(path);
	}

	async readCheckpoint(): Promise<StoredCheckpoint | undefined> {
		const note = this.objects.get('checkpoint');
		return note && { note, version: String(this.#version) };
	}

	async swapCheckpoint(note: Uint8Array, seen: StoredCheckpoint | undefined): Promise<boolean> {
		await this.beforeSwap?.();
		const present = await this.readCheckpoint();
		if (present?.version !== seen?.version) return false;
		this.#write('checkpoint', note);
		this.#version++;
		return true;
	}
}
