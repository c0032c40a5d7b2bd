/** Prometheus's own tool: on the path, where PROMTOOL says, or where `.ci/run` has put it. */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const CACHED = join(homedir(), '.cache/chancery/promtool/usr/bin/promtool');

function findPromtool(): string {
	const candidates = process.env.PROMTOOL ? [process.env.PROMTOOL] : ['promtool', CACHED];
	const found = candidates.find((path) => spawnSync(path, ['--version']).status === 0);
	if (found === undefined)
		throw new Error(
			`not run: promtool is not installed (tried ${candidates.join(', ')}). It is in Debian's package prometheus and in the releases of Prometheus; name it in PROMTOOL`,
		);
	return found;
}

/** Runs it; `output` is what it said, in whichever stream. */
export function promtool(args: readonly string[], options: { readonly input?: string; readonly cwd?: string } = {}) {
	const { status, stdout, stderr } = spawnSync(findPromtool(), args, { encoding: 'utf8', ...options });
	return { status, output: stdout + stderr };
}
