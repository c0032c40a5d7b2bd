/** An ingress controller on that node: Contour reads the ingresses, and Envoy is the proxy, on port 443 of the host. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ControlPlane, runProgram } from './control-plane.ts';
import { HOST_ADDRESS } from './node.ts';
import { startProgram, until } from './started-program.ts';

export interface IngressPrograms {
	readonly contour: string;
	readonly envoy: string;
	/** File with Contour's own kinds, which it looks for. */
	readonly definitions: string;
}

export interface IngressPorts {
	readonly xds: number;
	readonly health: number;
	readonly metrics: number;
	readonly envoyStats: number;
	readonly plain: number;
}

export interface IngressController {
	close(): Promise<void>;
}

const READY_WITHIN_MS = 120_000;

export async function startIngressController(
	{ contour, envoy, definitions }: IngressPrograms,
	folder: string,
	plane: ControlPlane,
	ports: IngressPorts,
): Promise<IngressController> {
	await using stack = new AsyncDisposableStack();
	await plane.kubectl(['apply', '--server-side', '-f', '-'], await readFile(definitions, 'utf8'));
	await plane.kubectl(['wait', '--for=condition=established', 'crd', '--all', '--timeout=60s']);
	await plane.kubectl(['create', 'namespace', 'projectcontour']);
	const controller = startProgram(
		'contour',
		[
			...[contour, 'serve', '--no-incluster', '--kubeconfig', plane.kubeconfig, '--disable-leader-election'],
			...['--insecure', '--xds-address=127.0.0.1', `--xds-port=${ports.xds}`],
			...['--http-address=127.0.0.1', `--http-port=${ports.metrics}`],
			...['--health-address=127.0.0.1', `--health-port=${ports.health}`],
			...['--stats-address=127.0.0.1', `--stats-port=${ports.envoyStats}`],
			...[`--envoy-service-http-address=${HOST_ADDRESS}`, `--envoy-service-http-port=${ports.plain}`],
			...[`--envoy-service-https-address=${HOST_ADDRESS}`, '--envoy-service-https-port=443'],
			...['--envoy-http-access-log=/dev/null', '--envoy-https-access-log=/dev/null'],
			...['--ingress-class-name=contour', `--ingress-status-address=${HOST_ADDRESS}`],
		],
		join(folder, 'contour.log'),
	);
	stack.defer(() => controller.end());
	await until(
		'Contour',
		READY_WITHIN_MS,
		async () => (await fetch(`http://127.0.0.1:${ports.health}/healthz`)).ok,
		() => controller.tail(),
	);
	const file = join(folder, 'envoy.json');
	const xds = ['--xds-address=127.0.0.1', `--xds-port=${ports.xds}`];
	const admin = [`--admin-address=${join(folder, 'envoy-admin.sock')}`];
	await runProgram(contour, ['bootstrap', file, ...xds, ...admin]);
	const proxy = startProgram(
		'envoy',
		[envoy, '-c', file, '--service-cluster', 'contour', '--service-node', 'envoy', '--concurrency', '1'],
		join(folder, 'envoy.log'),
	);
	stack.defer(() => proxy.end());
	const opened = stack.move();
	return { close: () => opened.disposeAsync() };
}
