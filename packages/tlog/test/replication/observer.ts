/**
 * What clients of a log would notice: every checkpoint that any of them is shown, compared with all the others. It knows
 * nothing of databases or marks.
 */
import type { Publication } from '../../src/entry.ts';
import type { Log } from '../../src/log/log.ts';
import type { NaiveTree } from '../naive-tree.ts';

const LOOK_EVERY_MS = 10;

export class Observer {
	/** Root in hex of each size that was shown. */
	readonly roots = new Map<number, string>();
	/** What no log may show anyone. */
	readonly complaints: string[] = [];
	looks = 0;
	readonly #newest = new Map<string, number>();
	readonly #watching = new Set<Promise<void>>();
	#ended = false;

	/** One checkpoint, shown by a log. A client that goes on with one log must never see it shrink. */
	see(log: string, { size, root }: Pick<Publication, 'size' | 'root'>): void {
		const hex = Buffer.from(root).toString('hex');
		const known = this.roots.get(size);
		if (known !== undefined && known !== hex) this.complaints.push(`${log} shows size ${size} with two roots`);
		this.roots.set(size, hex);
		const newest = this.#newest.get(log) ?? 0;
		if (size < newest) this.complaints.push(`${log} showed size ${newest}, and now ${size}`);
		this.#newest.set(log, Math.max(newest, size));
	}

	/** Asks for the checkpoint again and again. Refusals are no complaint: nothing was shown. */
	watch(name: string, log: Log): void {
		const loop = async () => {
			while (!this.#ended) {
				const publication = await log.published().catch(() => undefined);
				if (publication) this.see(name, publication);
				this.looks += 1;
				await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
			}
		};
		this.#watching.add(loop());
	}

	/** The largest tree that was shown to anyone. */
	get largest(): number {
		return Math.max(0, ...this.roots.keys());
	}

	/** Compares everything that was shown with the tree that is there. */
	judge(tree: NaiveTree, upTo = Number.POSITIVE_INFINITY): void {
		for (const [size, root] of this.roots) {
			if (size > upTo) continue;
			if (size > tree.leafHashes.length)
				this.complaints.push(`size ${size} was shown, ${tree.leafHashes.length} are there`);
			else if (Buffer.from(tree.root(size)).toString('hex') !== root)
				this.complaints.push(`size ${size} was shown with a root that is not that of the entries`);
		}
	}

	async end(): Promise<void> {
		this.#ended = true;
		await Promise.all(this.#watching);
	}
}
