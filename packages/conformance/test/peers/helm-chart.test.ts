/** The chart before anything runs: what Helm, its unit tests, and schemas of Kubernetes say to it and to its examples. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runProgram } from './kubernetes/control-plane.ts';
import { CHART, EXAMPLES, exampleFile, KUBERNETES_VERSION, objectsIn, render } from './kubernetes/release.ts';

const peers = inject('peers');
let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-chart-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of other projects: their own definitions judge them, in the test with the API server. */
const KINDS_OF_OTHERS = ['HTTPRoute', 'PodMonitor', 'PrometheusRule', 'ExternalSecret'];

describe.each(EXAMPLES)('the example %s', (example) => {
	const file = exampleFile(example);

	it('passes helm lint', async () => {
		const { stdout } = await runProgram(peers.helm, [
			'lint',
			'--strict',
			'--kube-version',
			KUBERNETES_VERSION,
			'-f',
			file,
			CHART,
		]);
		expect(stdout).toContain('0 chart(s) failed');
	});

	it('renders objects that have every key from the schemas of Kubernetes', async () => {
		const objects = objectsIn(await render(peers.helm, ['-f', file]));
		const ours = objects.filter(({ kind }) => !KINDS_OF_OTHERS.includes(kind));
		expect(ours.length).toBeGreaterThan(20);
		const rendered = join(folder, `${example}.yaml`);
		await writeFile(rendered, ours.map((object) => JSON.stringify(object)).join('\n---\n'));
		const { stdout, stderr } = await validate(rendered);
		expect(`${stdout}${stderr}`).not.toMatch(/ERROR|WARN/);
	});
});

it('the judge of schemas complains when there is something to complain about', async () => {
	const [first] = objectsIn(
		await render(peers.helm, ['-f', exampleFile('minimal'), '-s', 'templates/networkpolicy.yaml']),
	);
	const rendered = join(folder, 'wrong.yaml');
	await writeFile(rendered, JSON.stringify({ ...first, spec: { ...(first!.spec as object), podSelectors: {} } }));
	await expect(validate(rendered)).rejects.toThrow('podSelectors');
});

it.each([
	['an unknown value', ['--set', 'replicas=2'], /additional properties 'replicas' not allowed/],
	['an unknown value inside of a role', ['--set', 'roles.ca.replica=2'], /additional properties 'replica' not allowed/],
	['a role that is none', ['--set', 'roles.rekor.enabled=true'], /additional properties 'rekor' not allowed/],
	['a section that is none', ['--set', 'config.rekor.publicUrl=x'], /additional properties 'rekor' not allowed/],
	['text for a number', ['--set-string', 'roles.ca.replicas=two'], /got string, want integer/],
	['a number for a switch', ['--set', 'migrate=1'], /got number, want boolean/],
	['an image digest that is none', ['--set', 'image.digest=latest'], /does not match pattern/],
	['a second process on marks in files', ['--set', 'roles.log.replicas=2'], /name a markDatabase in config.log/],
	['a mark where nothing is kept', ['--set', 'config.tsa.markFile=/tmp/tsa'], /must lie below \/var\/lib\/chancery\//],
	['an address to listen at', ['--set', 'config.tsa.listen.public.port=1'], /the chart decides where to listen/],
	['a role without a section', ['--set', 'roles.identity.enabled=true'], /config.identity is missing/],
	['routes without a gateway', ['--set', 'gateway.enabled=true'], /name the Gateway/],
	['external secrets without a store', ['--set', 'externalSecrets.enabled=true'], /the store that holds the secrets/],
	['a monitor without a token', ['--set', 'podMonitor.enabled=true'], /a Secret with the token/],
])('%s is refused', async (_what, set, words) => {
	await expect(render(peers.helm, ['-f', exampleFile('minimal'), ...set])).rejects.toThrow(words);
});

it('its unit tests pass', async () => {
	const { stdout } = await runProgram(peers['helm-unittest'], ['--strict', '--color=false', CHART]);
	expect(stdout).toMatch(/Tests:\s+[1-9][0-9]* passed, [1-9][0-9]* total/);
});

function validate(file: string) {
	return runProgram(peers['kubernetes-validate'], ['--strict', '-k', KUBERNETES_VERSION, file]);
}
