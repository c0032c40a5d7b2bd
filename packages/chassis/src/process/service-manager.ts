/**
 * What systemd is told about this process, where it has started it with `Type=notify`: that it serves, and that it ends.
 * See sd_notify(3).
 *
 * The message is a datagram to a Unix socket, which Node cannot send: systemd's own program does. It waits until the
 * manager has read the message, so that nothing is lost when it ends, and it is a child of this process: the unit needs
 * `NotifyAccess=all`. A watchdog would be such a child every few seconds, and is not worth it.
 */

import { execFile } from 'node:child_process';
import cluster from 'node:cluster';
import type { Logger } from '../logger.ts';

/** A manager that does not read is no reason to wait for ever. */
const WITHIN_MS = 10_000;

/** Tells nobody where nobody has asked, and in a process of a supervisor, which speaks for all of them. */
export function tellServiceManager(state: 'READY=1' | 'STOPPING=1', logger: Logger): void {
	const { NOTIFY_SOCKET, PATH } = process.env;
	if (!NOTIFY_SOCKET || cluster.isWorker) return;
	execFile('systemd-notify', [state], { env: { NOTIFY_SOCKET, PATH }, timeout: WITHIN_MS }, (error) => {
		if (error) logger.error({ err: error, state }, 'the service manager could not be told');
	});
}
