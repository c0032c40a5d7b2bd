/**
 * The exporter: a loop that brings a store to what the log has published, for as long as the service runs. Nothing
 * waits for it; when the store is away it falls behind, says so, and catches up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogJob } from '../log-job.ts';
import { type LogSink, SILENT } from '../log-sink.ts';
import { exportTree, type TreeExport } from './export-tree.ts';

export interface Exporter {
	readonly job: LogJob;
	/** What came of the last attempt. */
	health(): { readonly ok: boolean; readonly detail: string };
}

const MAX_PAUSE_MS = 60_000;

export function createExporter(
	options: TreeExport & {
		readonly name: string;
		/** Pause between two exports. */
		readonly intervalSeconds: number;
		readonly logger?: LogSink;
	},
): Exporter {
	const { name, store, logger = SILENT } = options;
	const intervalMs = options.intervalSeconds * 1000;
	let health = { ok: true, detail: `nothing has been exported to the ${store.name} yet` };
	/** The store showed more than the log had published: right for a moment, with several exporters. */
	let wasBehind = false;

	const once = async (signal: AbortSignal): Promise<void> => {
		const outcome = await exportTree(options, signal);
		if (outcome.kind !== 'behind') {
			health = { ok: true, detail: `the ${store.name} shows ${outcome.size} entries` };
			wasBehind = false;
			return;
		}
		const detail = `the ${store.name} shows ${outcome.shownSize} entries, the log has published ${outcome.size}: was its database restored?`;
		if (wasBehind) logger.warn({ job: name }, detail);
		health = { ok: !wasBehind, detail };
		wasBehind = true;
	};

	const run = async (signal: AbortSignal): Promise<void> => {
		let pauseMs = intervalMs;
		let isOpen = false;
		try {
			while (!signal.aborted) {
				try {
					if (!isOpen) await store.open();
					isOpen = true;
					await once(signal);
					pauseMs = intervalMs;
				} catch (error) {
					if (signal.aborted) return;
					health = { ok: false, detail: error instanceof Error ? error.message : String(error) };
					pauseMs = Math.min(2 * pauseMs, Math.max(MAX_PAUSE_MS, intervalMs));
					logger.warn({ err: error, job: name, pauseMs }, 'the export failed and is tried again');
				}
				await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
			}
		} finally {
			await store.close();
		}
	};

	return { job: { name, run }, health: () => health };
}
