/** A cluster of one node on this machine, with the image of this checkout and a database that its pods reach. */
import { access, chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePorts } from '@chancery/testkit/free-port';
import { type ControlPlane, runProgram, startControllers, startControlPlane } from './control-plane.ts';
import { type DatabaseForPods, startDatabaseForPods } from './database-for-pods.ts';
import { type ClusterNode, startNode } from './node.ts';
import { makePauseImage, saveServerImage } from './node-images.ts';

export interface Cluster {
	/** Of this cluster alone; it goes with it. */
	readonly folder: string;
	readonly plane: ControlPlane;
	readonly node: ClusterNode;
	readonly database: DatabaseForPods;
	close(): Promise<void>;
}

export interface ClusterPrograms {
	/** One of the programs of Kubernetes; the others are beside it. */
	readonly kubernetes: string;
	readonly compose: string;
}

/** What a distribution packs, and the table of peers does not bring. */
const OF_DISTRIBUTION = {
	etcd: 'etcd-server',
	containerd: 'containerd',
	runc: 'runc',
	cc: 'gcc',
	ip: 'iproute2',
	iptables: 'iptables',
	dockerd: 'docker.io',
};

export async function startCluster({ kubernetes, compose }: ClusterPrograms): Promise<Cluster> {
	await requirePrograms();
	await using stack = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), 'chancery-cluster-'));
	// For root: the user the database runs as has to pass.
	await chmod(folder, 0o711);
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	const [etcd = 0, etcdPeers = 0, api = 0, kubelet = 0, postgres = 0] = await freePorts(5);
	const bin = dirname(kubernetes);
	// Before there are pods: the engine has a containerd of its own.
	const images = [await saveServerImage(compose, folder), await makePauseImage(folder)];
	const plane = await startControlPlane(bin, folder, { etcd, etcdPeers, api });
	stack.defer(() => plane.close());
	for (const program of startControllers(bin, folder, plane.kubeconfig)) stack.defer(() => program.end());
	const node = await startNode(bin, folder, plane, kubelet);
	stack.defer(() => node.close());
	const database = await startDatabaseForPods(join(folder, 'postgres'), postgres);
	stack.defer(() => database.close());
	for (const image of images) await node.importImages(image);
	const opened = stack.move();
	return { folder, plane, node, database, close: () => opened.disposeAsync() };
}

async function requirePrograms(): Promise<void> {
	if (process.geteuid?.() !== 0) throw new Error('a kubelet has to run as root');
	for (const [program, name] of Object.entries(OF_DISTRIBUTION))
		await runProgram('which', [program]).catch(() => {
			throw new Error(`${program} is not installed: apt-get install --no-install-recommends ${name}`);
		});
	await access('/usr/lib/cni/bridge').catch(() => {
		throw new Error('/usr/lib/cni/bridge is not there: apt-get install containernetworking-plugins');
	});
}
