/** Helm as an operator calls it, and what it installs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { type ControlPlane, type Output, runProgram } from './control-plane.ts';

export const CHECKOUT = fileURLToPath(new URL('../../../../..', import.meta.url));
export const CHART = join(CHECKOUT, 'deploy/helm/chancery');
export const EXAMPLES = ['minimal', 'production', 'gateway'] as const;
export type Example = (typeof EXAMPLES)[number];
/** What the programs beside are built from; a chart rendered without a server is rendered for this one. */
export const KUBERNETES_VERSION = '1.36';

export interface RenderedObject {
	readonly apiVersion: string;
	readonly kind: string;
	readonly metadata: { readonly name: string };
	readonly [key: string]: unknown;
}

export const exampleFile = (example: Example) => join(CHART, 'ci', `${example}-values.yaml`);

/** Renders the chart without a server. @throws {Error} with Helm's words */
export async function render(helm: string, args: readonly string[]): Promise<string> {
	const all = ['template', 'chancery', CHART, '--namespace', 'signing', '--kube-version', KUBERNETES_VERSION, ...args];
	return (await runProgram(helm, all)).stdout;
}

export function objectsIn(text: string): RenderedObject[] {
	return parseAllDocuments(text)
		.map((document) => document.toJS() as RenderedObject | null)
		.filter((object) => object !== null);
}

export interface ReleaseValues {
	readonly namespace: string;
	readonly values: object;
}

/** `helm upgrade --install` of the chart. */
export async function install(
	helm: string,
	plane: ControlPlane,
	folder: string,
	{ namespace, values }: ReleaseValues,
): Promise<Output> {
	const file = join(folder, `${namespace}-values.json`);
	await writeFile(file, JSON.stringify(values), { mode: 0o600 });
	const to = ['--kubeconfig', plane.kubeconfig, '--namespace', namespace];
	return runProgram(helm, ['upgrade', '--install', 'chancery', CHART, ...to, '-f', file]);
}

/** A namespace in which nothing but restricted pods may be, and every deviation is a warning. */
export function restrictedNamespace(name: string): string {
	const labels = Object.fromEntries(
		['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
	);
	return JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

export const readText = (path: string) => readFile(path, 'utf8');
