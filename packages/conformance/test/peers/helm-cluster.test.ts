/**
 * The chart on a real cluster of one node: its objects before the real API server, with Pod Security `restricted`
 * enforced, and its pods under a real kubelet, with a database and key files as Secrets leave them.
 */
import { chown, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { logSubject } from '@chancery/bench/load/log-subject';
import { tsaSubject } from '@chancery/bench/load/tsa-subject';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Cluster, startCluster } from './kubernetes/cluster.ts';
import type { ControlPlane } from './kubernetes/control-plane.ts';
import { HOST_ADDRESS } from './kubernetes/node.ts';
import { SERVER_IMAGE } from './kubernetes/node-images.ts';
import { EXAMPLES, exampleFile, install, render, restrictedNamespace } from './kubernetes/release.ts';
import {
	HOSTS,
	makeReleaseMaterial,
	type ReleaseMaterial,
	secretObject,
	TREE_ID,
} from './kubernetes/release-material.ts';
import { post, readyAddresses, startTraffic } from './kubernetes/service-traffic.ts';
import { until } from './kubernetes/started-program.ts';

const ROLLOUT_WITHIN = '--timeout=180s';
const NOBODY = 65532;

let cluster: Cluster;
let plane: ControlPlane;
let folder: string;
let material: ReleaseMaterial;
const { helm, kubernetes, 'docker compose': compose, ...peers } = inject('peers');
/** Kinds of others that the chart makes objects of. */
const DEFINITIONS = ['gateway', 'monitoring', 'external-secrets'] as const;

beforeAll(async () => {
	cluster = await startCluster({ kubernetes, compose });
	({ plane, folder } = cluster);
	material = await makeReleaseMaterial(join(folder, 'keys'));
}, 1_800_000);
afterAll(() => cluster?.close(), 120_000);

const values = (changes: object, roles: object, marks: 'files' | 'database') => ({
	image: SERVER_IMAGE,
	databaseSecret: 'chancery-database',
	config: material.config(marks),
	drainSeconds: 3,
	...changes,
	roles: {
		...Object.fromEntries(['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf'].map((role) => [role, { enabled: false }])),
		...roles,
	},
});

/** A namespace with the Secrets of a release, and databases of its own. */
async function prepareNamespace(name: string): Promise<void> {
	await plane.apply(restrictedNamespace(name));
	const secrets = {
		'chancery-tsa': material.secrets.tsa,
		'chancery-log': material.secrets.log,
		'chancery-database': {
			url: await cluster.database.url(`${name}_log`, HOST_ADDRESS),
			'marks-url': await cluster.database.url(`${name}_marks`, HOST_ADDRESS),
		},
	};
	for (const [secret, data] of Object.entries(secrets))
		await plane.kubectl(['-n', name, 'apply', '--server-side', '-f', '-'], JSON.stringify(secretObject(secret, data)));
}

/** Waits for a workload, and says what its pods said when it does not come. */
async function rolledOut(namespace: string, workload: string): Promise<void> {
	try {
		await plane.kubectl(['-n', namespace, 'rollout', 'status', workload, ROLLOUT_WITHIN]);
	} catch (error) {
		const told = async (...args: string[]) =>
			plane.kubectl(['-n', namespace, ...args]).then(({ stdout }) => stdout, String);
		const logs = await told('logs', workload, '--all-containers', '--tail=20', '--prefix');
		throw new Error(`${(error as Error).message}\n${await told('get', 'pods,events', '-o', 'wide')}\n${logs}`);
	}
}

describe('the API server', () => {
	beforeAll(async () => {
		for (const name of DEFINITIONS) await plane.kubectl(['create', '-f', dirname(peers[`${name} definitions`]), '-R']);
		await plane.apply(restrictedNamespace('signing'));
	}, 120_000);

	it.each(EXAMPLES)('takes every object of the example %s without a warning', async (example) => {
		const text = await render(helm, ['-f', exampleFile(example)]);
		const { stdout, stderr } = await plane.kubectl(
			['-n', 'signing', 'apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'],
			text,
		);
		expect(stderr).toBe('');
		expect(stdout.trim().split('\n').length).toBe(text.split(/^kind: /m).length - 1);
	});

	it('refuses a pod that runs as root there, so that the silence above says something', async () => {
		const text = await render(helm, ['-f', exampleFile('minimal'), '-s', 'templates/statefulset.yaml']);
		const asRoot = text
			.replaceAll('runAsUser: 65532', 'runAsUser: 0')
			.replaceAll('runAsNonRoot: true', 'runAsNonRoot: false');
		const { stderr } = await plane.kubectl(
			['-n', 'signing', 'apply', '--server-side', '--dry-run=server', '-f', '-'],
			asRoot,
		);
		expect(stderr).toContain('would violate PodSecurity "restricted');
	});
});

describe('two timestamp authorities with a mark in a database', () => {
	const namespace = 'tsa';
	const service = 'chancery-tsa';

	it('come up by helm install, without a warning, and without a token for the API', async () => {
		await prepareNamespace(namespace);
		const startMs = performance.now();
		const given = values({}, { tsa: { replicas: 2 } }, 'database');
		const { stderr } = await install(helm, plane, folder, { namespace, values: given });
		expect(stderr).toBe('');
		await rolledOut(namespace, 'deployment/chancery-tsa');
		console.info(`tsa: from helm install to a rollout of two pods ${seconds(startMs)} s`);
		await until(
			'two ready addresses',
			60_000,
			async () => (await readyAddresses(plane, namespace, service)).length === 2,
		);
		const { stdout } = await plane.kubectl([
			'-n',
			namespace,
			'get',
			'pods',
			'-o',
			'jsonpath={.items[*].spec.containers[*].volumeMounts[*].mountPath}',
		]);
		expect(stdout).not.toContain('serviceaccount');
	});

	it('are counted by their disruption budget', async () => {
		interface Budget {
			readonly status: {
				readonly currentHealthy: number;
				readonly disruptionsAllowed: number;
				readonly expectedPods: number;
			};
		}
		const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/chancery-tsa`;
		const isCounted = async () => (await plane.get<Budget>(path)).status.disruptionsAllowed === 1;
		await until('the count', 30_000, isCounted);
		expect((await plane.get<Budget>(path)).status).toMatchObject({ currentHealthy: 2, expectedPods: 2 });
	});

	it('answer every request while they are replaced, one after the other', async () => {
		const subject = tsaSubject({ host: '', port: 0, wire: 'tsa', chain: material.tsaChain });
		const traffic = await startTraffic({ plane, namespace, service, port: 8080, subject, workload: 'timestamp' });
		const before = await readyAddresses(plane, namespace, service);
		await plane.kubectl(['-n', namespace, 'rollout', 'restart', 'deployment/chancery-tsa']);
		await rolledOut(namespace, 'deployment/chancery-tsa');
		await until('the end of the old pods', 60_000, async () => {
			const now = await readyAddresses(plane, namespace, service);
			return now.length === 2 && now.every((address) => !before.includes(address) && traffic.addresses.has(address));
		});
		const { answered, complaints } = await traffic.stop();
		expect(complaints).toEqual([]);
		console.info(`tsa: ${answered} requests during the restart, all answered, by ${traffic.addresses.size} pods`);
	});
});

describe('a signature log with a database', () => {
	const namespace = 'log';
	const log = (wire: 'v1' | 'v2') =>
		wire === 'v1'
			? { origin: `${HOSTS.v1} - ${TREE_ID}`, name: HOSTS.v1, publicKey: material.logKeys.v1.publicKey }
			: { origin: HOSTS.v2, name: HOSTS.v2, publicKey: material.logKeys.v2.publicKey };
	const subjectOf = (wire: 'v1' | 'v2') => logSubject({ host: '', port: 0, wire, log: log(wire) });

	it('migrates, creates its logs, and answers on both wires', async () => {
		await prepareNamespace(namespace);
		const startMs = performance.now();
		await install(helm, plane, folder, {
			namespace,
			values: values({ createLogs: true }, { log: { replicas: 2 } }, 'database'),
		});
		await rolledOut(namespace, 'deployment/chancery-log');
		console.info(`log: from helm install to a rollout of two pods ${seconds(startMs)} s`);
		for (const [wire, service, port, workload] of [
			['v1', 'chancery-log', 8080, 'v1-hashedrekord'],
			['v2', 'chancery-log2', 8081, 'v2-hashedrekord'],
		] as const) {
			const [host = ''] = await readyAddresses(plane, namespace, service);
			const subject = subjectOf(wire);
			const entry = subject.make(workload);
			const { status, body } = await post(host, port, subject, entry);
			expect(status, body.toString()).toBe(201);
			expect(subject.judge(entry, body)).toEqual([]);
		}
	});

	it('takes every entry while its pods are replaced, into one tree', async () => {
		const subject = subjectOf('v2');
		const traffic = await startTraffic({
			plane,
			namespace,
			service: 'chancery-log2',
			port: 8081,
			subject,
			workload: 'v2-hashedrekord',
		});
		// As an upgrade does that no longer creates logs.
		await install(helm, plane, folder, { namespace, values: values({}, { log: { replicas: 2 } }, 'database') });
		await rolledOut(namespace, 'deployment/chancery-log');
		await until('the end of the old pods', 60_000, async () => {
			const { stdout } = await plane.kubectl(['-n', namespace, 'get', 'pods', '-o', 'name']);
			return stdout.trim().split('\n').length === 2;
		});
		const { answered, complaints } = await traffic.stop();
		expect(complaints).toEqual([]);
		expect((await subject.settle()).complaints).toEqual([]);
		console.info(`log: ${answered} entries during the upgrade, all answered, by ${traffic.addresses.size} pods`);
	});
});

describe('a log with its marks in files', () => {
	const namespace = 'files';

	it('is a StatefulSet with a volume, and finds its marks again when its pod is replaced', async () => {
		await prepareNamespace(namespace);
		const volume = join(folder, 'volume');
		await mkdir(volume, { mode: 0o700 });
		await chown(volume, NOBODY, NOBODY);
		await plane.apply(JSON.stringify(persistentVolume(volume)));
		const given = values({ createLogs: true, marks: { storageClassName: 'test' } }, { log: {} }, 'files');
		await install(helm, plane, folder, { namespace, values: given });
		await rolledOut(namespace, 'statefulset/chancery-log');
		expect((await readdir(volume)).length).toBeGreaterThan(0);
		await install(helm, plane, folder, { namespace, values: { ...given, createLogs: false } });
		await rolledOut(namespace, 'statefulset/chancery-log');
		// The rollout is told of a ready pod before its Service is.
		const addresses = () => readyAddresses(plane, namespace, 'chancery-log');
		await until('a ready address', 60_000, async () => (await addresses()).length === 1);
	});
});

const seconds = (startMs: number) => ((performance.now() - startMs) / 1000).toFixed(1);

function persistentVolume(path: string): object {
	return {
		apiVersion: 'v1',
		kind: 'PersistentVolume',
		metadata: { name: 'marks' },
		spec: {
			capacity: { storage: '16Mi' },
			accessModes: ['ReadWriteOnce'],
			storageClassName: 'test',
			persistentVolumeReclaimPolicy: 'Retain',
			hostPath: { path, type: 'Directory' },
		},
	};
}
