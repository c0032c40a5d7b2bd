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
/** On a machine that does other things: a drain, a start, and looks at readiness. */
const MENDED_WITHIN_MS = 300_000;
const PODS = '/api/v1/namespaces/signing/pods';

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
	publish: pageBlock('docs/operate/kubernetes.md', 'kubernetes', 'kubectl -n signing wait'),
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

interface ContainerStatus {
	readonly containerID: string;
	readonly ready: boolean;
	readonly restartCount: number;
}
interface PodList {
	readonly items: readonly {
		readonly metadata: { readonly uid: string; readonly name: string; readonly labels: Record<string, string> };
		readonly status: { readonly containerStatuses?: readonly ContainerStatus[] };
	}[];
}
/** Role -> identities of its pods. */
async function podsByRole(): Promise<Record<string, string[]>> {
	const { items } = await plane.get<PodList>(PODS);
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
/** The ingress learns of ready pods a moment after they are: a client is told 503, and tries again. */
async function eventually(block: string): Promise<string> {
	let told = '';
	await until(
		block,
		MENDED_WITHIN_MS,
		async () => {
			told = await shell.paste(block).catch((error: Error) => {
				told = error.message;
				throw error;
			});
			return true;
		},
		async () => told,
	).catch((error: Error) => explained(Promise.reject(error)));
	return told;
}
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
		proved = await eventually(blocks.prove);
		process.stderr.write(
			`helm: from nothing to a signature ${seconds(startMs)} s; of these from helm install to all roles ready and the root published ${((readyMs - installMs) / 1000).toFixed(1)} s\n`,
		);
		expect(proved).toContain('a signature was made and verified');
		const pods = await podsByRole();
		for (const role of ROLES) expect(pods[role], role).toHaveLength(1);
	});

	it('has told the one fingerprint, and no warning, at the installation', async () => {
		const fingerprint = (await readFile(join(shell.folder, 'instance/trust/fingerprint.txt'), 'utf8')).trim();
		expect(await shell.paste('helm status chancery -n signing')).toContain(`SHA-256 of the first root: ${fingerprint}`);
		expect(proved).toContain(fingerprint);
	});

	it('has clients that sign and verify with the printed commands', async () => {
		const [trust = '', sign = '', verify = ''] = linesBelow(proved, 'cosign 3').map((line) =>
			line.replace(/"\$\(.*?\)"/, '"$TOKEN"'),
		);
		await paste([trust, sign, verify].join('\n'));
		await expect(shell.paste(verify.replace('you@example.com', 'somebody@example.com'))).rejects.toThrow(
			/expected SAN value "somebody@example.com"/,
		);
		before = { verify, sizes: await sizesOfLogs() };
	});

	it('reads in the log of pods that are well what they are, and nothing that they must not say', async () => {
		const logs = await paste(blocks.logs);
		for (const role of ROLES) expect(logs, role).toMatch(new RegExp(`chancery-${role}-`));
		expect(logs).not.toContain(company.token);
	});

	it('creates no more logs after the first time', async () => {
		const was = await podsByRole();
		await paste(blocks.upgrade);
		await untilReplaced(was, ['log', 'ctlog']);
		const now = await podsByRole();
		for (const role of ['identity', 'ca', 'tsa', 'tuf']) expect(now[role], role).toEqual(was[role]);
	});

	it('changes one role, and no other pod is replaced', async () => {
		const was = await podsByRole();
		await writeSite((site) => {
			site.config = { ...(site.config as object), tsa: { accuracySeconds: 2 } };
		});
		await paste(blocks.upgrade);
		await untilReplaced(was, ['tsa']);
		const now = await podsByRole();
		for (const role of ROLES.filter((name) => name !== 'tsa')) expect(now[role], role).toEqual(was[role]);
		await expectNothingLost();
	});

	it('restarts a role, and brings the configuration before back', async () => {
		let was = await podsByRole();
		await paste(blocks.restart);
		await untilReplaced(was, ['tsa']);
		was = await podsByRole();
		await paste(blocks.rollback);
		await untilReplaced(was, ['tsa']);
		expect(await shell.paste('kubectl -n signing get configmap chancery-tsa -o yaml')).not.toContain('accuracySeconds');
	});

	it('mends a configuration with which a pod never starts', async () => {
		const was = await podsByRole();
		await writeSite((site) => {
			site.config = { ...(site.config as object), tsa: { accuracySeconds: 0 } };
		});
		await paste(blocks.upgrade.replace('15m', '20s')).catch(() => undefined);
		await until('the complaint of a pod', MENDED_WITHIN_MS, async () =>
			/tsa.*accuracySeconds/.test(await shell.paste(blocks.logs)),
		);
		await writeSite();
		await paste(blocks.upgrade);
		await untilReplaced(was, ['tsa']);
		await expectNothingLost();
	});

	it('loses nothing when every process is killed', async () => {
		const restartsOf = async () => {
			const { items } = await plane.get<PodList>(PODS);
			return items.flatMap(({ metadata, status }) =>
				ROLES.includes(metadata.labels['app.kubernetes.io/component'] ?? '')
					? [[metadata.name, status.containerStatuses?.[0]] as const]
					: [],
			);
		};
		const was = new Map((await restartsOf()).map(([name, container]) => [name, container?.restartCount ?? 0]));
		expect(was.size).toBe(ROLES.length);
		for (const [, container] of await restartsOf()) await cluster.node.kill(container?.containerID ?? '');
		await until('the next start of each', MENDED_WITHIN_MS, async () =>
			(await restartsOf()).every(
				([name, container]) => container?.ready === true && container.restartCount > (was.get(name) ?? 0),
			),
		);
		await expectNothingLost();
	});

	it('uninstalls the release, and what must not be lost stays', async () => {
		const left = await paste(blocks.uninstall);
		for (const role of ROLES) expect(left).toContain(`chancery-${role} `);
		for (const role of WITH_MARKS) expect(left).toMatch(new RegExp(`marks-chancery-${role}-0 +Bound`));
		const { items } = await plane.get<{ readonly items: readonly object[] }>('/api/v1/namespaces/signing/services');
		expect(items).toEqual([]);
	});

	it('brings the same instance back, with the keys of the keyholder outside of the cluster', async () => {
		await paste(blocks.install.replace(' --set createLogs=true', ''));
		const published = await paste(blocks.publish);
		expect(published).toContain('the root of trust is up to date');
		await expectNothingLost();
	});
});

/** Once a client has signed: the command that verifies it, and how large the logs were. */
let before: { readonly verify: string; readonly sizes: Readonly<Record<string, number>> };

/** What was signed can be verified and is in the logs, which only grow, and signing goes on. */
async function expectNothingLost(): Promise<void> {
	await eventually(before.verify);
	const sizes = await sizesOfLogs();
	for (const [name, size] of Object.entries(before.sizes)) expect(sizes[name], name).toBeGreaterThanOrEqual(size);
	await eventually(blocks.prove);
	const grown = await sizesOfLogs();
	for (const [name, size] of Object.entries(sizes)) expect(grown[name], name).toBeGreaterThan(size);
	before = { ...before, sizes: grown };
}

/** Name of a log -> its size, after all of it was read and its tree computed. */
async function sizesOfLogs(): Promise<Record<string, number>> {
	const { ctlogs, tlogs } = JSON.parse(
		await readFile(join(shell.folder, 'instance/trust/trusted_root.json'), 'utf8'),
	) as {
		readonly ctlogs: readonly LogOfRoot[];
		readonly tlogs: readonly LogOfRoot[];
	};
	const sizes: Record<string, number> = {};
	for (const { baseUrl, publicKey } of [...ctlogs, ...tlogs].filter(({ baseUrl: url }) => !url.includes('//log.'))) {
		const pem = publicKey.rawBytes.replaceAll(/.{64}/g, '$&\n');
		await writeFile(join(shell.folder, 'log.pem'), `-----BEGIN PUBLIC KEY-----\n${pem}\n-----END PUBLIC KEY-----\n`);
		const told = await paste(`chancery log audit --json --url ${baseUrl} --key log.pem 2> /dev/null`);
		sizes[baseUrl] = (JSON.parse(told) as { readonly logs: readonly { readonly size: number }[] }).logs[0]?.size ?? 0;
	}
	expect(Object.keys(sizes)).toHaveLength(2);
	return sizes;
}

/** Until the pods of these roles are others, one of each, and ready. */
async function untilReplaced(was: Record<string, string[]>, roles: readonly string[]): Promise<void> {
	for (const role of roles) {
		await until(`another pod of ${role}`, MENDED_WITHIN_MS, async () => {
			const { items } = await plane.get<PodList>(`${PODS}?labelSelector=app.kubernetes.io%2Fcomponent%3D${role}`);
			const [pod] = items;
			return (
				items.length === 1 &&
				!was[role]?.includes(pod?.metadata.uid ?? '') &&
				pod?.status.containerStatuses?.[0]?.ready === true
			);
		});
	}
}

interface LogOfRoot {
	readonly baseUrl: string;
	readonly publicKey: { readonly rawBytes: string };
}
