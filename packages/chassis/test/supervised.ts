/**
 * Three processes under a supervisor that answer with their id on the port of the second argument. What each does at its
 * start says the file at the first:
 * `run` says that it has started and stays; `exit N` ends at once; `drain N` stays, and takes N milliseconds to stop.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { isWorker, reportStarted, superviseProcesses, tellSupervisor } from '../src/process/processes.ts';

const [what = '', argument] = readFileSync(process.argv[2] ?? '', 'utf8').split(' ');
if (!isWorker) {
	// Between these signals there is no program to start, which fails as it does when the kernel has no place for a process.
	const program = process.execPath;
	process.on('SIGUSR2', () => Object.assign(process, { execPath: '/nowhere/node' }));
	process.on('SIGHUP', () => Object.assign(process, { execPath: program }));
	await superviseProcesses(3, { level: 'info', json: true }, 500);
} else if (what === 'exit') process.exit(Number(argument));
else {
	let isStopping = false;
	const drainMs = what === 'drain' ? Number(argument) : 0;
	process.on('SIGTERM', () => {
		if (isStopping) process.exit(1);
		isStopping = true;
		tellSupervisor(drainMs);
		setTimeout(() => process.exit(0), drainMs);
	});
	const server = createServer((_, answer) => answer.setHeader('connection', 'close').end(String(process.pid)));
	server.listen({ host: '127.0.0.1', port: Number(process.argv[3]) }, () => {
		reportStarted();
		process.stdout.write(`started ${process.env.CHANCERY_PROCESS} ${process.pid}\n`);
	});
}
