/** The shell of whoever follows docs/operate/kubernetes.md: in a checkout, with the names of the company. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { type Ran, runWithin } from '../containers/engine.ts';
import { CHECKOUT } from './release.ts';

export interface OperatorShell {
	/** The checkout, as far as the page needs it. */
	readonly folder: string;
	/** Runs a block in a shell of its own. @throws {Error} with what it printed, when it fails. @returns what it printed */
	paste(block: string): Promise<string>;
}

export interface ShellRequest {
	/** Made here. */
	readonly folder: string;
	readonly kubeconfig: string;
	/** Paths of programs that are called by their names. */
	readonly programs: readonly string[];
	/** Host name -> address. */
	readonly hosts: ReadonlyMap<string, string>;
	readonly env: Readonly<Record<string, string>>;
}

const PASTE_WITHIN_MS = 1_200_000;

export async function openOperatorShell(request: ShellRequest): Promise<OperatorShell> {
	const { folder, kubeconfig, programs, hosts } = request;
	await mkdir(join(folder, 'home'), { recursive: true });
	await cp(join(CHECKOUT, 'deploy'), join(folder, 'deploy'), { recursive: true });
	await cp(join(CHECKOUT, 'README.md'), join(folder, 'README.md'));
	const hostsFile = join(folder, 'home/hosts');
	await writeFile(hostsFile, [...hosts].map(([name, address]) => `${address} ${name}\n`).join('') + LOCALHOST);
	const path = [join(CHECKOUT, 'packages/cli/bin'), ...programs.map((program) => dirname(program))];
	const env = {
		...request.env,
		KUBECONFIG: kubeconfig,
		HOME: join(folder, 'home'),
		PATH: [...path, dirname(process.execPath), process.env.PATH].join(delimiter),
		NO_COLOR: '1',
	};
	return {
		folder,
		paste: async (block) => {
			// The names are those of this shell alone.
			const inside = `mount --bind "$1" /etc/hosts && exec bash --noprofile --norc -c "$2"`;
			// What a block leaves running would keep its output open.
			const script = `set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n${block}`;
			const args = ['--mount', '--propagation', 'private', 'bash', '-c', inside, 'bash', hostsFile, script];
			const ran = await runWithin('unshare', args, { folder, env, withinMs: PASTE_WITHIN_MS });
			if (ran.code !== 0) throw new Error(`${block}\nended with ${ran.code ?? 'the end of its time'}:\n${said(ran)}`);
			return said(ran);
		},
	};
}

const LOCALHOST = '127.0.0.1 localhost\n';
const said = ({ stdout, stderr }: Ran) => `${stdout}${stderr}`.slice(-20_000);
