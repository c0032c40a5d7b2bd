/**
 * Sigstore's client conformance cases against our command, by the suite's own protocol: one executable, fixed
 * arguments, and the exit code as the verdict. Every case runs with the artifact's path and with its digest.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../../../..');
const CASES = process.env.CONFORMANCE_CASES ?? join(PROJECT, '../shared/conformance-cases');
const CLIENT = join(PROJECT, 'packages/cli/bin/conformance-client');

const DEFAULT_IDENTITY =
	'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main';
const DEFAULT_ISSUER = 'https://token.actions.githubusercontent.com';

const names = existsSync(CASES)
	? readdirSync(CASES, { withFileTypes: true })
			.filter((entry) => entry.isDirectory())
			.map(({ name }) => name)
	: [];

it('has cases to run: the folder is named by CONFORMANCE_CASES', () => {
	expect(names.length, `no cases in ${CASES}: not run`).toBeGreaterThan(50);
});

describe.each(names)('%s', (name) => {
	const folder = join(CASES, name);
	const file = (part: string) => (existsSync(join(folder, part)) ? join(folder, part) : undefined);
	const text = (part: string, otherwise: string) => {
		const path = file(part);
		return path ? readFileSync(path, 'utf8').trim() : otherwise;
	};
	const artifact = file('artifact') ?? join(CASES, 'a.txt');
	const digest = `sha256:${createHash('sha256').update(readFileSync(artifact)).digest('hex')}`;
	const key = file('key.pub');
	const signer = key
		? ['--key', key]
		: [
				...['--certificate-identity', text('identity', DEFAULT_IDENTITY)],
				...['--certificate-oidc-issuer', text('issuer', DEFAULT_ISSUER)],
			];
	const trustedRoot = file('trusted_root.json');
	const fixed = [
		'verify-bundle',
		...['--bundle', join(folder, 'bundle.sigstore.json')],
		...signer,
		...(trustedRoot ? ['--trusted-root', trustedRoot] : []),
	];
	const isRejected = name.endsWith('_fail');

	it.each([
		['path', artifact],
		['digest', digest],
	])(`is ${isRejected ? 'rejected' : 'accepted'} by %s`, async (_mode, subject) => {
		const verdict = await promisify(execFile)(CLIENT, [...fixed, subject], {
			env: { ...process.env, CONFORMANCE_CASES: CASES },
		}).then(
			() => ({ code: 0, stderr: '' }),
			(error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }),
		);
		// A rejection is a verdict of ours (exit code 1 and one line), not a crash.
		expect(verdict.code, verdict.stderr).toBe(isRejected ? 1 : 0);
		expect(verdict.stderr).not.toMatch(/\n\s+at /);
	});
});
