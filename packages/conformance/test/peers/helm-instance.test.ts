/**
 * docs/operate/kubernetes.md, pasted on a real cluster of one node: from nothing to signed and verified through an ingress,
 * with every role, and then all that an operator does to it. The pods run the image of deploy/docker/Dockerfile.
 */
import { readFileSync } from 'node:fs';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@chancery/testkit/free-port';
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { CLIENTS } from '@chancery/testkit/peers/peer-table';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { readPage } from '../pages/page.ts';
import { linesBelow } from './containers/compose-project.ts';
import { type Cluster, startCluster } from './kubernetes/cluster.ts';
import { type Company, makeCompany } from './kubernetes/company.ts';
import type { ControlPlane } from './kubernetes/control-plane.ts';
import { startIngressController } from './kubernetes/ingress-controller.ts';
import { HOST_ADDRESS } from './kubernetes/node.ts';
import { SERVER_IMAGE } from './kubernetes/node-images.ts';
import { type OperatorShell, openOperatorShell } from './kubernetes/operator-shell.ts';
import { CHECKOUT } from './kubernetes/release.ts';
import { startServices } from './kubernetes/services.ts';
import { until } from './kubernetes/started-program.ts';
import { pageBlock } from './page-block.ts';

const PAGE = 'docs/operate/kubernetes.md';
const ROLES = ['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf'];
const WITH_MARKS = ['log', 'ctlog', 'tsa', 'tuf'];
const NOBODY = 65532;
const DRAINED_WITHIN_MS = 120_000;

const blocks = {
	example: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'chancery init --example kubernetes'),
	init: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'chancery init --answers'),
	namespace: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'kubectl create namespace signing'),
	secrets: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'for role in'),
	certificates: pageBlock(
		'docs/operate/kubernetes.md',
		'kubernetes',
		'kubectl -n signing create secret generic chancery-tls',
	),
	installWithJob: pageBlock(
		'docs/operate/kubernetes.md',
		'kubernetes',
		'kubectl -n signing create secret generic chancery-keyholder',
	),
	install: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'helm upgrade --install chancery'),
	logs: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'kubectl -n signing logs'),
	publish: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'for listener in'),
	prove: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'chancery self-test'),
	upgrade: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'helm upgrade chancery'),
	restart: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'kubectl -n signing rollout restart'),
	rollback: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'helm rollback'),
	uninstall: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'helm uninstall'),
};

const cleanups: (() => Promise<unknown>)[] = [];
let cluster: Cluster;
let plane: ControlPlane;
let company: Company;
let shell: OperatorShell;
let proved: string;
const peers = inject('peers');

beforeAll(async () => {
	const cosign = await findPeer('cosign 3', CLIENTS['cosign 3']);
	if ('notRun' in cosign) throw new Error(cosign.notRun);
	cluster = await startCluster({ kubernetes: peers.kubernetes, compose: peers['docker compose'] });
	cleanups.push(() => cluster.close());
	plane = cluster.plane;
	company = await makeCompany(join(cluster.folder, 'company'));
	cleanups.push(() => company.close());
	const [health = 0, metrics = 0, ...others] = await freePorts(7);
	const services = await startServices(
		{ kubeProxy: peers['kube-proxy'], coredns: peers.coredns },
		cluster.folder,
		plane,
		company.hosts,
		[health, metrics],
	);
	cleanups.push(() => services.close());
	const [xds = 0, contourHealth = 0, contourMetrics = 0, envoyStats = 0, plain = 0] = others;
	const ingress = await startIngressController(
		{ contour: peers.contour, envoy: peers.envoy, definitions: peers['contour definitions'] },
		cluster.folder,
		plane,
		{ xds, health: contourHealth, metrics: contourMetrics, envoyStats, plain },
	);
	cleanups.push(() => ingress.close());
	shell = await openOperatorShell({
		folder: join(cluster.folder, 'operator'),
		kubeconfig: plane.kubeconfig,
		programs: [peers.helm, peers.kubernetes, cosign.path],
		hosts: company.hosts,
		env: {
			DATABASE_URL: await cluster.database.url('chancery', HOST_ADDRESS),
			TOKEN: company.token,
			SSL_CERT_FILE: company.authority,
		},
	});
	await company.writeCertificates(shell.folder);
	for (const role of WITH_MARKS) await makeVolume(role);
}, 1_800_000);
afterAll(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean().catch(console.error);
}, 180_000);

/** What a class of storage would make. */
async function makeVolume(name: string): Promise<void> {
	const path = join(cluster.folder, `volume-${name}`);
	await mkdir(path, { mode: 0o700 });
	await chown(path, NOBODY, NOBODY);
	await plane.apply(
		JSON.stringify({
			apiVersion: 'v1',
			kind: 'PersistentVolume',
			metadata: { name },
			spec: {
				capacity: { storage: '16Mi' },
				accessModes: ['ReadWriteOnce'],
				persistentVolumeReclaimPolicy: 'Retain',
				hostPath: { path, type: 'Directory' },
			},
		}),
	);
}

/** The file of the page, for the image, the ingress controller and the network of this cluster. */
async function writeSite(change: (site: Record<string, unknown>) => void = () => undefined): Promise<void> {
	const { blocks: all } = readPage(readFileSync(join(CHECKOUT, PAGE), 'utf8'));
	const site = parse(all.find((block) => block.path === 'site.yaml')?.code ?? '');
	site.image = SERVER_IMAGE;
	site.ingress = { ...site.ingress, className: 'contour', annotations: {} };
	site.service = { annotations: { 'projectcontour.io/upstream-protocol.tls': '443' } };
	site.config = { allow: ['exposed-admin', 'plain-database'] };
	await company.addIdentity(shell, site);
	change(site);
	await writeFile(join(shell.folder, 'site.yaml'), stringify(site));
}

interface PodList {
	readonly items: readonly {
		readonly metadata: { readonly uid: string; readonly name: string; readonly labels: Record<string, string> };
		readonly status: { readonly phase: string };
	}[];
}
/** Role -> identities of its pods. */
async function podsByRole(): Promise<Record<string, string[]>> {
	const { items } = await plane.get<PodList>('/api/v1/namespaces/signing/pods');
	const found: Record<string, string[]> = {};
	for (const { metadata } of items) {
		const role = metadata.labels['app.kubernetes.io/component'] ?? '';
		found[role] = [...(found[role] ?? []), metadata.uid];
	}
	return found;
}

async function explained<T>(work: Promise<T>): Promise<T> {
	return work.catch(async (error: Error) => {
		const told = (...args: string[]) => plane.kubectl(['-n', 'signing', ...args]).then(({ stdout }) => stdout, String);
		const logs = await told(
			'logs',
			'-l',
			'app.kubernetes.io/instance=chancery',
			'--all-containers',
			'--prefix',
			'--tail=8',
		);
		throw new Error(`${error.message}\n${await told('get', 'pods,events', '-o', 'wide')}\n${logs}`);
	});
}
const paste = (block: string) => explained(shell.paste(block));
const seconds = (startMs: number) => ((performance.now() - startMs) / 1000).toFixed(1);

describe('an operator', () => {
	it('comes from nothing to a signature, with every role ready', async () => {
		await paste(blocks.example);
		const startMs = performance.now();
		await paste(blocks.init);
		await paste(blocks.namespace);
		await writeSite();
		await paste(blocks.secrets);
		await paste(blocks.certificates);
		const installMs = performance.now();
		await paste(blocks.installWithJob);
		const readyMs = performance.now();
		proved = await paste(blocks.prove);
		process.stderr.write(
			`helm: from nothing to a signature ${seconds(startMs)} s; of these from helm install to all roles ready and the root published ${((readyMs - installMs) / 1000).toFixed(1)} s\n`,
		);
		expect(proved).toContain('a signature was made and verified');
		const pods = await podsByRole();
		for (const role of ROLES) expect(pods[role], role).toHaveLength(1);
	});
});
