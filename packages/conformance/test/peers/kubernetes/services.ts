/**
 * What leads to Services on that node: kube-proxy for their addresses, CoreDNS for their names, and for the names under
 * which clients know the instance.
 */
import { Resolver } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';
import { runProgram } from './control-plane.ts';
import { CLUSTER_DOMAIN, HOST_ADDRESS, NODE, POD_NETWORK } from './node.ts';
import { startProgram, until } from './started-program.ts';

export interface ServicePrograms {
	readonly kubeProxy: string;
	readonly coredns: string;
}

export interface Services {
	close(): Promise<void>;
}

const READY_WITHIN_MS = 120_000;

/** `hosts`: names of the company beside those of Services, with their addresses. `ports` are for health and metrics, on loopback. */
export async function startServices(
	{ kubeProxy, coredns }: ServicePrograms,
	folder: string,
	plane: ControlPlane,
	hosts: ReadonlyMap<string, string>,
	ports: readonly [number, number],
): Promise<Services> {
	await using stack = new AsyncDisposableStack();
	const proxyFile = join(folder, 'kube-proxy.yaml');
	await writeFile(proxyFile, JSON.stringify(proxyConfig(plane.kubeconfig, ports)));
	const proxy = startProgram('kube-proxy', [kubeProxy, '--config', proxyFile], join(folder, 'kube-proxy.log'));
	stack.defer(async () => {
		await proxy.end();
		await runProgram(kubeProxy, ['--cleanup']).catch(() => undefined);
	});
	const corefile = join(folder, 'Corefile');
	await writeFile(corefile, corefileOf(plane.kubeconfig, hosts));
	const dns = startProgram('coredns', [coredns, '-conf', corefile], join(folder, 'coredns.log'));
	stack.defer(() => dns.end());
	const resolver = new Resolver({ timeout: 1000, tries: 1 });
	resolver.setServers([HOST_ADDRESS]);
	await until(
		'an answer about names',
		READY_WITHIN_MS,
		async () => (await resolver.resolve4(`kubernetes.default.svc.${CLUSTER_DOMAIN}`)).length > 0,
		() => dns.tail(),
	);
	const opened = stack.move();
	return { close: () => opened.disposeAsync() };
}

function proxyConfig(kubeconfig: string, [health, metrics]: readonly [number, number]): object {
	return {
		apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
		kind: 'KubeProxyConfiguration',
		clientConnection: { kubeconfig },
		hostnameOverride: NODE,
		mode: 'iptables',
		clusterCIDR: POD_NETWORK,
		healthzBindAddress: `127.0.0.1:${health}`,
		metricsBindAddress: `127.0.0.1:${metrics}`,
		// Settings of the kernel that are this machine's.
		conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
	};
}

function corefileOf(kubeconfig: string, hosts: ReadonlyMap<string, string>): string {
	return `. {
	bind ${HOST_ADDRESS}
	errors
	kubernetes ${CLUSTER_DOMAIN} {
		kubeconfig ${kubeconfig}
		ttl 1
	}
	hosts {
${[...hosts].map(([name, address]) => `\t\t${address} ${name}\n`).join('')}		fallthrough
	}
}
`;
}
