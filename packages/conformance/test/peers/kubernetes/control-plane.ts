/**
 * A Kubernetes control plane of this machine: etcd and the real API server on loopback, with the admission of Pod
 * Security, and what tests ask of it. Tokens are for the test alone and mean every right.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { opensslIn } from './openssl.ts';
import { type StartedProgram, startProgram, until } from './started-program.ts';

export interface ControlPlane {
	readonly kubeconfig: string;
	readonly url: string;
	/** Runs kubectl. @throws {Error} with what it said, when it fails */
	kubectl(args: readonly string[], input?: string): Promise<Output>;
	/** Applies objects from text. */
	apply(text: string): Promise<Output>;
	/** One object or list, by its path. */
	get<T>(path: string): Promise<T>;
	close(): Promise<void>;
}

export interface Output {
	readonly stdout: string;
	/** Warnings of the API server are here. */
	readonly stderr: string;
}

export interface ControlPlanePorts {
	readonly etcd: number;
	readonly etcdPeers: number;
	readonly api: number;
}

const READY_WITHIN_MS = 120_000;
const COMMAND_WITHIN_MS = 120_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** `bin` is the folder of the Kubernetes programs; everything is written below `folder`. */
export async function startControlPlane(bin: string, folder: string, ports: ControlPlanePorts): Promise<ControlPlane> {
	await using stack = new AsyncDisposableStack();
	const token = randomBytes(24).toString('hex');
	const url = `https://127.0.0.1:${ports.api}`;
	const kubeconfig = join(folder, 'kubeconfig');
	await writeFile(join(folder, 'tokens.csv'), `${token},test,test,system:masters\n`, { mode: 0o600 });
	await writeFile(kubeconfig, kubeconfigOf(url, token), { mode: 0o600 });
	await opensslIn(folder, ['genrsa', '-out', 'accounts.key', '2048']);

	const etcdUrl = `http://127.0.0.1:${ports.etcd}`;
	const peerUrl = `http://127.0.0.1:${ports.etcdPeers}`;
	const etcd = startProgram(
		'etcd',
		[
			'etcd',
			...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
			...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
			...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
			...['--initial-cluster', `default=${peerUrl}`],
		],
		join(folder, 'etcd.log'),
	);
	stack.defer(() => etcd.end());
	const server = startProgram(
		'kube-apiserver',
		[
			join(bin, 'kube-apiserver'),
			`--etcd-servers=${etcdUrl}`,
			...['--bind-address=127.0.0.1', `--secure-port=${ports.api}`, `--cert-dir=${join(folder, 'certificates')}`],
			...['--service-cluster-ip-range=10.96.0.0/24', '--authorization-mode=RBAC', '--allow-privileged=false'],
			`--token-auth-file=${join(folder, 'tokens.csv')}`,
			`--service-account-key-file=${join(folder, 'accounts.key')}`,
			`--service-account-signing-key-file=${join(folder, 'accounts.key')}`,
			'--service-account-issuer=https://kubernetes.default.svc',
			// The name of the node is one that nothing resolves.
			'--kubelet-preferred-address-types=InternalIP',
			// Pods of the chart have no token, and nobody makes the account `default` of a namespace without a controller.
			'--disable-admission-plugins=ServiceAccount',
		],
		join(folder, 'kube-apiserver.log'),
	);
	stack.defer(() => server.end());

	const plane = {
		kubeconfig,
		url,
		kubectl: (args: readonly string[], input?: string) =>
			runProgram(join(bin, 'kubectl'), ['--kubeconfig', kubeconfig, ...args], input),
		apply: (text: string) =>
			runProgram(
				join(bin, 'kubectl'),
				['--kubeconfig', kubeconfig, 'apply', '--server-side', '--validate=strict', '-f', '-'],
				text,
			),
		get: <T>(path: string) => getJson<T>(ports.api, path, token),
	};
	await until(
		'the API server',
		READY_WITHIN_MS,
		async () => (await plane.kubectl(['get', '--raw', '/readyz'])).stdout === 'ok',
		() => server.tail(),
	);
	const opened = stack.move();
	return { ...plane, close: () => opened.disposeAsync() };
}

/** Controllers and scheduler, for pods that are to run. */
export function startControllers(bin: string, folder: string, kubeconfig: string): readonly StartedProgram[] {
	const common = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'];
	return [
		startProgram(
			'kube-controller-manager',
			[join(bin, 'kube-controller-manager'), ...common, '--controllers=*,-serviceaccount-token-controller'],
			join(folder, 'kube-controller-manager.log'),
		),
		startProgram('kube-scheduler', [join(bin, 'kube-scheduler'), ...common], join(folder, 'kube-scheduler.log')),
	];
}

/** @throws {Error} with what the program said */
export function runProgram(program: string, args: readonly string[], input?: string): Promise<Output> {
	return new Promise((resolve, reject) => {
		const options = { timeout: COMMAND_WITHIN_MS, maxBuffer: MAX_OUTPUT_BYTES };
		const child = execFile(program, args, options, (error, stdout, stderr) =>
			error
				? reject(new Error(`${program} ${args.join(' ')}: ${`${stdout}${stderr}` || error.message}`))
				: resolve({ stdout, stderr }),
		);
		// A program that wants no input may have closed it, and one that failed says why itself.
		child.stdin?.on('error', () => undefined);
		child.stdin?.end(input ?? '');
	});
}

function kubeconfigOf(url: string, token: string): string {
	return JSON.stringify({
		apiVersion: 'v1',
		kind: 'Config',
		// Of the same machine, with a certificate that the server has just made for itself.
		clusters: [{ name: 'test', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
		users: [{ name: 'test', user: { token } }],
		contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
		'current-context': 'test',
	});
}

function getJson<T>(port: number, path: string, token: string): Promise<T> {
	const { promise, resolve, reject } = Promise.withResolvers<T>();
	const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
	const options = { host: '127.0.0.1', port, path, headers, rejectUnauthorized: false, timeout: COMMAND_WITHIN_MS };
	const sent = request(options, async (response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of response) chunks.push(chunk as Buffer);
		const text = Buffer.concat(chunks).toString();
		if (response.statusCode === 200) resolve(JSON.parse(text) as T);
		else reject(new Error(`${path}: ${response.statusCode} ${text.slice(0, 500)}`));
	});
	sent.on('error', reject);
	sent.on('timeout', () => sent.destroy(new Error(`${path}: no answer`)));
	sent.end();
	return promise;
}
