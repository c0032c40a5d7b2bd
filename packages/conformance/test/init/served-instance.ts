/**
 * An instance that `chancery init` made, served as an operator serves it: whatever is asked of it is asked over TLS, by
 * commands and clients that are told an authority and an address.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXAMPLES } from '@chancery/stack/bootstrap/init/example-answers';
import { PORT_OFFSETS } from '@chancery/stack/port-offsets';
import { sign, verify } from 'sigstore';
import { expect, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Environment, mustRun, type RunningCommand, start } from './commands.ts';
import type { Organization } from './organization.ts';

const EMAIL = 'alice@example.com';
const WAIT = { timeout: 120_000, interval: 100 };

export interface Ports {
	readonly portBase: number;
	readonly adminPortBase: number;
}

/** A whole answer of the example is replaced, never a part of one. */
export type Replaced = Readonly<Record<string, unknown>>;

/** Writes an example of the answers as someone would who has these ports, this database and this organization. */
export async function writeAnswers(
	file: string,
	example: keyof typeof EXAMPLES,
	{ portBase, adminPortBase, organization, replaced }: Ports & { organization: Organization; replaced: Replaced },
): Promise<void> {
	const answers = parse(EXAMPLES[example]);
	answers.urls = Object.fromEntries(
		Object.keys(answers.urls).map((name) => [
			name,
			`https://localhost:${portBase + PORT_OFFSETS[name as keyof typeof PORT_OFFSETS]}`,
		]),
	);
	answers.issuers = [{ type: 'email', issuer: organization.issuer }];
	answers.listen = { ...answers.listen, host: '127.0.0.1', portBase, adminPortBase, tls: organization.tls };
	await writeFile(file, stringify({ ...answers, ...replaced }));
}

/** Starts `serve` with a configuration and waits until all its listeners are bound. */
export async function serve(env: Environment, config: string): Promise<RunningCommand> {
	const sections: Record<string, { listen?: object }> = parse(await readFile(config, 'utf8'));
	const listeners = Object.values(sections).reduce((sum, { listen }) => sum + Object.keys(listen ?? {}).length, 0);
	const running = start(env, 'serve', '--config', config);
	let hasEnded = false;
	void running.ended.then(() => {
		hasEnded = true;
	});
	const heard = () => (hasEnded ? running.said() : running.said().split('"listening"').length - 1);
	await vi.waitFor(() => expect(heard()).toBe(listeners), WAIT);
	return running;
}

/** Signs a file with the command and with npm's client; each signature is verified by both. */
export async function signAndVerify(
	env: Environment,
	{ instance, folder, organization }: { instance: string; folder: string; organization: Organization },
): Promise<void> {
	const artifact = join(folder, 'artifact');
	await writeFile(artifact, 'what an organization releases\n');
	const who = ['--email', EMAIL, '--issuer', organization.issuer];
	const proof = ['--instance', instance, '--artifact', artifact, '--identity-token', organization.token(EMAIL)];
	expect(await mustRun(env, 'self-test', ...proof, ...who)).toContain('cosign initialize');

	const trust = ['--trusted-root', join(instance, 'trust/trusted_root.json')];
	const policy = ['--certificate-identity', EMAIL, '--certificate-oidc-issuer', organization.issuer];
	const verifyBlob = (bundle: string) => mustRun(env, 'verify-blob', ...trust, '--bundle', bundle, ...policy, artifact);
	const ours = join(folder, 'ours.json');
	await mustRun(
		env,
		'sign-blob',
		...trust,
		...['--signing-config', join(instance, 'trust/signing_config.v0.2.json')],
		...['--identity-token', organization.token(EMAIL), '--bundle', ours, artifact],
	);
	await verifyBlob(ours);

	const { urls } = parse(await readFile(join(instance, 'answers.yaml'), 'utf8'));
	const npm = {
		tufMirrorURL: urls.tuf,
		tufRootPath: join(instance, 'trust/root.json'),
		tufCachePath: join(folder, 'npm-cache'),
		certificateIssuer: organization.issuer,
		certificateIdentityEmail: EMAIL,
	};
	const bytes = await readFile(artifact);
	await verify(JSON.parse(await readFile(ours, 'utf8')), bytes, npm);
	await expect(verify(JSON.parse(await readFile(ours, 'utf8')), Buffer.from('another'), npm)).rejects.toThrow();
	const theirs = await sign(bytes, {
		fulcioURL: urls.ca,
		rekorURL: urls.log,
		tsaServerURL: urls.tsa,
		identityToken: organization.token(EMAIL),
	});
	await verify(theirs, bytes, npm);
	const file = join(folder, 'theirs.json');
	await writeFile(file, JSON.stringify(theirs));
	await verifyBlob(file);
}
