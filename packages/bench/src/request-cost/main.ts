/**
 * Measures the CPU time of the most expensive request of each public route. It starts an instance, sends each request several times
 * in a row, and divides the time that the services and their database used by that number.
 *
 *     node packages/bench/src/request-cost/main.ts [--port-base N] [--times N]
 *
 * Needs /proc. Prints a table, the most expensive first. A request with an unexpected answer is named and has no figure, and the exit
 * code is 1.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { usageOf } from '../machine/cpu-time.ts';
import { type CostlyRequest, costlyRequests } from './requests.ts';

const { values } = parseArgs({
	options: { 'port-base': { type: 'string', default: '8390' }, times: { type: 'string', default: '10' } },
});
const times = Number(values.times);
const command = join(import.meta.dirname, '../../../cli/bin/chancery');
const folder = await mkdtemp(join(tmpdir(), 'chancery-cost-'));
// The database server of root runs as another user, which must be able to enter.
await chmod(folder, 0o711);
const data = join(folder, 'instance');
const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state') };
const child = spawn(command, ['up', '--data', data, '--port-base', values['port-base']], {
	env,
	stdio: ['ignore', 'pipe', 'inherit'],
});
try {
	await untilReady(child);
	const { services } = JSON.parse(await readFile(join(data, 'instance.json'), 'utf8')) as {
		services: Record<string, { url: string }>;
	};
	const urls = Object.fromEntries(Object.entries(services).map(([name, { url }]) => [name, url]));
	const token = async () => {
		const args = ['token', '--data', data, '--email', 'alice@example.com'];
		return (await promisify(execFile)(command, args, { env })).stdout.trim();
	};
	const rows: { name: string; cpuMs: number }[] = [];
	const requests = await costlyRequests({ data, services: urls, token });
	const idlePerMs = await idleRate();
	for (const request of requests) {
		process.stderr.write(`${request.name}\n`);
		try {
			rows.push({ name: request.name, cpuMs: await costOf(request, idlePerMs) });
		} catch (error) {
			process.exitCode = 1;
			print(`not measured: ${(error as Error).message}`);
		}
	}
	rows.sort((a, b) => b.cpuMs - a.cpuMs);
	print(`${'CPU ms'.padStart(8)}  request (mean of ${times}; services and database together)`);
	for (const { name, cpuMs } of rows) print(`${cpuMs.toFixed(1).padStart(8)}  ${name}`);
} finally {
	child.kill('SIGTERM');
	if (child.exitCode === null) await once(child, 'exit');
	await rm(folder, { recursive: true, force: true });
}

function print(line: string): void {
	process.stdout.write(`${line}\n`);
}

async function costOf(request: CostlyRequest, idlePerMs: number): Promise<number> {
	// Once before the measurement, so that code is compiled and threads exist.
	await ask(request, request.body?.());
	const bodies = Array.from({ length: times }, () => request.body?.());
	await pause(100);
	const [before, startMs] = [cpuMs(), performance.now()];
	for (const body of bodies) await ask(request, body);
	// Work that continues after the answer, such as publication, belongs to it.
	await pause(200);
	return Math.max(0, cpuMs() - before - idlePerMs * (performance.now() - startMs)) / times;
}

async function ask({ name, url, method, headers, status }: CostlyRequest, body: string | Uint8Array | undefined) {
	const reply = await fetch(url, {
		method,
		redirect: 'manual',
		...(headers ? { headers } : {}),
		...(body === undefined ? {} : { body: typeof body === 'string' ? body : Buffer.from(body) }),
	});
	const text = await reply.text();
	if (reply.status !== status)
		throw new Error(`${name}: expected ${status}, came ${reply.status} ${text.slice(0, 300)}`);
}

async function idleRate(): Promise<number> {
	await pause(500);
	const [before, startMs] = [cpuMs(), performance.now()];
	await pause(5_000);
	return (cpuMs() - before) / (performance.now() - startMs);
}

function cpuMs(): number {
	const [usage] = usageOf([child.pid ?? 0]);
	if (!usage) throw new Error('there is no /proc to read CPU time from');
	return usage.cpuSeconds * 1000;
}

async function untilReady({ stdout }: ChildProcess): Promise<void> {
	let text = '';
	for await (const chunk of stdout ?? []) {
		text += String(chunk);
		if (/^ready/m.test(text)) return;
	}
	throw new Error(`the instance did not start: ${text}`);
}
