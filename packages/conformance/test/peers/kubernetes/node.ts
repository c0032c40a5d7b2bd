/**
 * A real node of that control plane on this machine: the kubelet over a containerd of its own, with the bridge of the CNI
 * plugins. Names of Services lead nowhere before `services.ts` has been asked for them.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ControlPlane, runProgram } from './control-plane.ts';
import { type StartedProgram, startProgram, until } from './started-program.ts';

export interface ClusterNode {
	readonly name: string;
	/** Loads images from an archive into the node. */
	importImages(archive: string): Promise<void>;
	/** Kills the process of a container, named as the kubelet does. */
	kill(containerId: string): Promise<void>;
	close(): Promise<void>;
}

const NETWORK = '10.95.0';
/** Of this host on the network of the pods: the node, and whatever it offers to them. */
export const HOST_ADDRESS = `${NETWORK}.1`;
export const POD_NETWORK = `${NETWORK}.0/24`;
export const NODE = 'node-1';
export const BRIDGE = 'chancery-pods';
export const CLUSTER_DOMAIN = 'cluster.local';
const READY_WITHIN_MS = 120_000;
const CLEAN_WITHIN_MS = 60_000;

export async function startNode(
	bin: string,
	folder: string,
	plane: ControlPlane,
	kubeletPort: number,
): Promise<ClusterNode> {
	const name = NODE;
	await using stack = new AsyncDisposableStack();
	const place = (part: string) => join(folder, part);
	const socket = place('containerd.sock');
	for (const part of ['cni', 'opt', 'kubelet']) await mkdir(place(part), { recursive: true });
	await writeFile(place('containerd.toml'), containerdConfig(folder, socket));
	await writeFile(place('cni/10-bridge.conflist'), JSON.stringify(bridgeNetwork(folder)));
	await writeFile(place('kubelet.yaml'), JSON.stringify(kubeletConfig(folder, socket, kubeletPort)));

	await runProgram('ip', ['link', 'add', BRIDGE, 'type', 'bridge']).catch((cause: Error) => {
		throw new Error(
			`${cause.message.trim()}: one cluster at a time; of one that was killed, end what runs below its folder, and 'ip link delete ${BRIDGE}'`,
			{ cause },
		);
	});
	stack.defer(() => removeBridge());
	await runProgram('ip', ['address', 'add', `${HOST_ADDRESS}/24`, 'dev', BRIDGE]);
	await runProgram('ip', ['link', 'set', BRIDGE, 'up']);
	const containerd = startProgram(
		'containerd',
		['containerd', '--config', place('containerd.toml')],
		place('containerd.log'),
	);
	stack.defer(() => containerd.end());
	const ctr = (...args: string[]) => runProgram('ctr', ['-a', socket, '-n', 'k8s.io', ...args]);
	await until(
		'containerd',
		READY_WITHIN_MS,
		async () => Boolean(await ctr('version')),
		() => containerd.tail(),
	);

	const kubelet = startProgram(
		'kubelet',
		[
			join(bin, 'kubelet'),
			...['--config', place('kubelet.yaml'), '--kubeconfig', plane.kubeconfig],
			...['--hostname-override', name, '--node-ip', HOST_ADDRESS, '--root-dir', place('kubelet')],
		],
		place('kubelet.log'),
	);
	stack.defer(async () => {
		await kubelet.end();
		await removeContainers(ctr);
		await unmountBelow(folder);
	});
	await until(
		'the node',
		READY_WITHIN_MS,
		() => isReady(plane, name),
		() => kubelet.tail(),
	);
	const opened = stack.move();
	return {
		name,
		importImages: async (archive) => void (await ctr('images', 'import', archive)),
		kill: async (id) => void (await ctr('tasks', 'kill', '-s', 'SIGKILL', id.replace('containerd://', ''))),
		close: () => opened.disposeAsync(),
	};
}

async function isReady(plane: ControlPlane, name: string): Promise<boolean> {
	interface NodeStatus {
		readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
	}
	const { status } = await plane.get<NodeStatus>(`/api/v1/nodes/${name}`);
	return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

type Ctr = (...args: string[]) => Promise<{ readonly stdout: string }>;

/** Shims outlive containerd and kubelet: what runs in this folder's containerd is ended by its own names. */
async function removeContainers(ctr: Ctr): Promise<void> {
	const list = async (kind: 'tasks' | 'containers') => (await ctr(kind, 'ls', '-q')).stdout.split('\n').filter(Boolean);
	for (const task of await list('tasks')) await ctr('tasks', 'kill', '-s', 'SIGKILL', task).catch(() => undefined);
	await until('the end of all containers', CLEAN_WITHIN_MS, async () => {
		for (const task of await list('tasks')) await ctr('tasks', 'rm', '-f', task).catch(() => undefined);
		return (await list('tasks')).length === 0;
	}).catch(() => undefined);
	for (const container of await list('containers')) await ctr('containers', 'rm', container).catch(() => undefined);
}

/** Volumes of pods in memory, and root file systems: a folder with mounts cannot be removed. */
async function unmountBelow(folder: string): Promise<void> {
	const { stdout } = await runProgram('cat', ['/proc/self/mounts']);
	const points = stdout.split('\n').map((line) => line.split(' ')[1] ?? '');
	for (const point of points
		.filter((path) => path.startsWith(`${folder}/`))
		.sort()
		.reverse())
		await runProgram('umount', ['-l', point]).catch(() => undefined);
}

async function removeBridge(): Promise<void> {
	await runProgram('ip', ['link', 'delete', BRIDGE]).catch(() => undefined);
}

function containerdConfig(folder: string, socket: string): string {
	const cri = 'plugins."io.containerd.grpc.v1.cri"';
	return `version = 2
root = "${folder}/containerd"
state = "${folder}/containerd-state"
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${folder}/opt"
[${cri}]
sandbox_image = "localhost/pause:1"
# Processes of this machine may not lower their score.
restrict_oom_score_adj = true
[${cri}.cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${folder}/cni"
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
`;
}

function bridgeNetwork(folder: string): object {
	const ipam = { type: 'host-local', ranges: [[{ subnet: POD_NETWORK }]], dataDir: `${folder}/ipam` };
	return {
		cniVersion: '0.4.0',
		name: 'pods',
		plugins: [{ type: 'bridge', bridge: BRIDGE, isDefaultGateway: true, ipMasq: false, ipam }],
	};
}

function kubeletConfig(folder: string, socket: string, port: number): object {
	return {
		apiVersion: 'kubelet.config.k8s.io/v1beta1',
		kind: 'KubeletConfiguration',
		address: HOST_ADDRESS,
		port,
		clusterDNS: [HOST_ADDRESS],
		clusterDomain: CLUSTER_DOMAIN,
		healthzPort: 0,
		authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
		authorization: { mode: 'AlwaysAllow' },
		containerRuntimeEndpoint: `unix://${socket}`,
		failCgroupV1: false,
		failSwapOn: false,
		cgroupDriver: 'cgroupfs',
		cgroupRoot: '/',
		oomScoreAdj: 0,
		enforceNodeAllocatable: [],
		makeIPTablesUtilChains: false,
		evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
		resolvConf: '',
		podLogsDir: `${folder}/pod-logs`,
	};
}

export type { StartedProgram };
