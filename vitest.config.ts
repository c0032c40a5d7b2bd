import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: 'fast',
					include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', '.ci/*.test.ts'],
					exclude: ['packages/conformance/**', 'packages/stack/test/up/**'],
					globalSetup: ['packages/postgres/src/test-server.ts'],
					testTimeout: 30_000,
					hookTimeout: 60_000,
				},
			},
		],
		// Two cores are the reference machine; more workers only make each other's timings worse.
		maxWorkers: 2,
	},
});
