import { defineConfig } from 'vitest/config';

/** Files of a package that belong to a project of their own are left out of `fast`. */
const SLOW = [
	'packages/conformance/**',
	'packages/stack/test/**',
	'packages/tlog/test/surroundings/server.test.ts',
	'packages/*/test/hsm/**',
	'packages/*/test/browser/**',
];

export default defineConfig({
	test: {
		// Two cores are the reference machine; more workers only make each other slower.
		maxWorkers: 2,
		testTimeout: 60_000,
		hookTimeout: 120_000,
		// What comes at once on an idle machine may take long on a busy one.
		expect: { poll: { timeout: 30_000 } },
		projects: [
			{
				extends: true,
				test: {
					name: 'fast',
					include: ['.ci/*.test.ts', 'packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
					exclude: SLOW,
					globalSetup: ['packages/testkit/src/test-server.ts'],
				},
			},
			{
				extends: true,
				test: {
					name: 'judges',
					include: ['packages/conformance/test/judges/*.test.ts'],
					globalSetup: ['packages/conformance/test/judges/instance.ts'],
				},
			},
			{
				extends: true,
				// Each makes an instance with `init`, and serves it on ports of its own.
				test: {
					name: 'init',
					include: ['packages/conformance/test/init/*.test.ts'],
					globalSetup: ['packages/testkit/src/test-server.ts'],
					testTimeout: 300_000,
					hookTimeout: 300_000,
					fileParallelism: false,
				},
			},
			{
				extends: true,
				// Each has a copy of the packages with an example of CONTRIBUTING.md in it.
				test: {
					name: 'examples',
					include: ['packages/conformance/test/examples/*.test.ts'],
					testTimeout: 180_000,
					hookTimeout: 300_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'up',
					include: ['packages/stack/test/up/*.test.ts'],
					testTimeout: 120_000,
					hookTimeout: 120_000,
					// Each starts whole instances and measures how they end.
					fileParallelism: false,
				},
			},
			{
				extends: true,
				test: {
					name: 'crash',
					include: ['packages/conformance/test/crash/*.test.ts', 'packages/tlog/test/surroundings/server.test.ts'],
					testTimeout: 3_600_000,
					hookTimeout: 600_000,
					fileParallelism: false,
				},
			},
			{
				extends: true,
				test: {
					// Servers and tools of other people, built from source, beside ours.
					name: 'peers',
					include: ['packages/conformance/test/peers/*.test.ts'],
					globalSetup: ['packages/conformance/test/peers/installed-peers.ts', 'packages/testkit/src/test-server.ts'],
					testTimeout: 3_600_000,
					hookTimeout: 600_000,
					fileParallelism: false,
				},
			},
			{
				extends: true,
				test: {
					name: 'hsm',
					include: ['packages/*/test/hsm/*.test.ts'],
					globalSetup: ['packages/testkit/src/softhsm.ts', 'packages/testkit/src/test-server.ts'],
				},
			},
			{
				extends: true,
				test: {
					// Pages in Chromium, of services that the test starts.
					name: 'browser',
					include: ['packages/*/test/browser/*.test.ts'],
					globalSetup: ['packages/testkit/src/test-server.ts'],
					testTimeout: 120_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'inputs',
					include: ['packages/conformance/test/inputs/*.test.ts'],
					globalSetup: ['packages/conformance/test/judges/instance.ts'],
				},
			},
			{
				extends: true,
				test: {
					// The same over TLS: the setup goes by the end of this name.
					name: 'inputs-tls',
					include: ['packages/conformance/test/inputs/*.test.ts'],
					// Command lines do not change with the transport.
					exclude: ['packages/conformance/test/inputs/odd-commands.test.ts'],
					globalSetup: ['packages/conformance/test/judges/instance.ts'],
				},
			},
			{
				extends: true,
				test: {
					name: 'monitoring',
					include: ['packages/conformance/test/monitoring/*.test.ts'],
					globalSetup: ['packages/conformance/test/judges/instance.ts'],
				},
			},
			{
				extends: true,
				test: { name: 'mangle', include: ['packages/conformance/test/mangle/*.test.ts'], testTimeout: 3_600_000 },
			},
			{
				extends: true,
				test: {
					name: 'clients',
					include: ['packages/conformance/test/clients/*.test.ts'],
					exclude: ['packages/conformance/test/clients/tls-trust.test.ts'],
					globalSetup: ['packages/conformance/test/clients/installed-clients.ts'],
					testTimeout: 300_000,
					hookTimeout: 900_000,
				},
			},
			{
				extends: true,
				test: {
					// The same and more, at instances that speak TLS with private authorities: the setup goes by the end of this name.
					name: 'clients-tls',
					include: ['packages/conformance/test/clients/*.test.ts'],
					globalSetup: ['packages/conformance/test/clients/installed-clients.ts'],
					testTimeout: 300_000,
					hookTimeout: 900_000,
				},
			},
			{
				extends: true,
				test: {
					// People at a browser, who sign in with clients.
					name: 'logins',
					include: ['packages/conformance/test/logins/*.test.ts'],
					globalSetup: ['packages/conformance/test/logins/login-clients.ts', 'packages/testkit/src/test-server.ts'],
					testTimeout: 180_000,
					hookTimeout: 300_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'pages',
					include: ['packages/conformance/test/pages/*.test.ts'],
					globalSetup: ['packages/conformance/test/pages/default-instance.ts'],
					hookTimeout: 300_000,
				},
			},
			{
				extends: true,
				// Each page on a machine of its own, made of namespaces.
				test: {
					name: 'operate',
					include: ['packages/conformance/test/pages/operate/*.test.ts'],
					hookTimeout: 600_000,
				},
			},
			{
				extends: true,
				test: { name: 'cases', include: ['packages/conformance/test/cases/*.test.ts'] },
			},
			{
				extends: true,
				test: {
					name: 'upgrade',
					include: ['packages/conformance/test/upgrade/*.test.ts'],
					// Both files start instances on the ports that the filled one was made with.
					fileParallelism: false,
					testTimeout: 300_000,
					hookTimeout: 300_000,
				},
			},
			{
				extends: true,
				test: {
					name: 'secrets',
					include: ['packages/conformance/test/secrets/*.test.ts'],
					// The scenario on an instance, and its search, are the setup of the tests that look at what was found.
					hookTimeout: 600_000,
				},
			},
		],
	},
});
