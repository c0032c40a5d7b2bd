/**
 * Clients of a Service. This cluster has no kube-proxy, so they do as one does: requests go to the addresses that the
 * EndpointSlices call ready, as they were a moment ago, and no request is sent twice.
 */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prepared, Subject } from '@chancery/bench/load/subject';
import type { ControlPlane } from './control-plane.ts';

export interface Traffic {
	/** Pods that were asked, by address. */
	readonly addresses: ReadonlySet<string>;
	/** Ends it. */
	stop(): Promise<TrafficReport>;
}

export interface TrafficReport {
	readonly answered: number;
	/** Answers that are no success, or that the judge does not believe, and requests without an answer. */
	readonly complaints: readonly string[];
}

export interface TrafficRequest {
	readonly plane: ControlPlane;
	readonly namespace: string;
	readonly service: string;
	readonly port: number;
	readonly subject: Subject;
	readonly workload: string;
}

/** As slow as a proxy that hears of changes late may be. */
const LOOK_EVERY_MS = 500;
const CLIENTS = 3;
const ANSWER_WITHIN_MS = 20_000;

interface EndpointSliceList {
	readonly items: readonly {
		readonly endpoints?: readonly {
			readonly addresses: readonly string[];
			readonly conditions?: { readonly ready?: boolean };
		}[];
	}[];
}

/** Addresses of the pods that the Service leads to now. */
export async function readyAddresses(plane: ControlPlane, namespace: string, service: string): Promise<string[]> {
	const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
	const { items } = await plane.get<EndpointSliceList>(path);
	return items.flatMap(({ endpoints = [] }) =>
		endpoints.filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses),
	);
}

export async function startTraffic(of: TrafficRequest): Promise<Traffic> {
	const { plane, namespace, service, port, subject, workload } = of;
	let addresses = await readyAddresses(plane, namespace, service);
	let isOver = false;
	const seen = new Set<string>();
	const complaints: string[] = [];
	let answered = 0;
	const look = async () => {
		while (!isOver) {
			await sleep(LOOK_EVERY_MS);
			addresses = await readyAddresses(plane, namespace, service);
		}
	};
	const client = async (number: number) => {
		for (let i = number; !isOver; i++) {
			const host = addresses[i % addresses.length];
			if (host === undefined) {
				complaints.push('no pod is ready');
				await sleep(LOOK_EVERY_MS);
				continue;
			}
			seen.add(host);
			const prepared = subject.make(workload);
			const { status, body } = await post(host, port, subject, prepared).catch((error: Error) => ({
				status: 0,
				body: Buffer.from(`${host}: ${error.message}`),
			}));
			if (!subject.successes.includes(status)) complaints.push(`${status} ${body.toString().slice(0, 300)}`);
			else complaints.push(...subject.judge(prepared, body));
			answered++;
			await sleep(10);
		}
	};
	const running = [look(), ...Array.from({ length: CLIENTS }, (_, number) => client(number))];
	return {
		addresses: seen,
		stop: async () => {
			isOver = true;
			await Promise.all(running);
			return { answered, complaints };
		},
	};
}

export function post(
	host: string,
	port: number,
	{ path, contentType }: Pick<Subject, 'path' | 'contentType'>,
	{ body }: Prepared,
): Promise<{ readonly status: number; readonly body: Buffer }> {
	const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>();
	const headers = { 'content-type': contentType };
	const sent = request(
		{ host, port, path, method: 'POST', headers, agent: false, timeout: ANSWER_WITHIN_MS },
		async (response) => {
			const chunks: Buffer[] = [];
			for await (const chunk of response) chunks.push(chunk as Buffer);
			resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
		},
	);
	sent.on('error', reject);
	sent.on('timeout', () => sent.destroy(new Error('no answer')));
	sent.end(body);
	return promise;
}
