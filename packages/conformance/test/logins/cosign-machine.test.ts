/**
 * cosign 3 as a machine with a secret (client credentials, RFC 6749 section 4.4). It posts id and secret in the form, takes the
 * ID token of the answer, and verifies its signature, its issuer, and that its audience has the client's id.
 */
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chancery } from '../judges/running-instance.ts';
import { expectBundleOf, issuerOf } from './certified.ts';
import { Desk, programOf } from './desk.ts';
import { type MadeInstance, startMadeInstance } from './made-instance.ts';

const cosign = programOf('cosign 3') ?? '';
/** False until the identity service has this grant. */
const hasMachineClients = (await chancery('config', 'schema')).includes('"machineClients"');

const CLIENT = { id: 'release-job', email: 'release-job@example.com' };
const SECRET = 'a secret of the release job';

describe.skipIf(cosign === '' || !hasMachineClients)('cosign 3 as a machine', () => {
	let made: MadeInstance;
	let desk: Desk;
	beforeAll(async () => {
		made = await startMadeInstance(
			({ identity }) => {
				identity.machineClients = [{ ...CLIENT, secret: { env: 'RELEASE_JOB_SECRET' } }];
			},
			{ RELEASE_JOB_SECRET: SECRET },
		);
		desk = await Desk.open(made.instance);
		await writeFile(desk.file('artifact'), 'what somebody releases\n');
		await writeFile(desk.file('secret'), `${SECRET}\n`);
		await writeFile(desk.file('wrong-secret'), 'a secret of another job\n');
		const { urls, root } = made.instance;
		const first = ['--root', root.path, '--root-checksum', root.sha256];
		await desk.mustRun(cosign, ['initialize', '--mirror', urls.tuf, ...first]);
	});
	afterEach(() => desk.clear());
	afterAll(async () => {
		await desk?.close();
		await made?.stop();
	});

	const signing = (secret: string, bundle: string) => [
		...['sign-blob', '--yes', '--fulcio-auth-flow', 'client_credentials', '--oidc-client-id', CLIENT.id],
		...['--oidc-client-secret-file', secret, '--bundle', bundle, 'artifact'],
	];

	it('signs under the address that the operator gave it', async () => {
		await desk.mustRun(cosign, signing('secret', 'bundle.json'));
		const [email, issuer] = [CLIENT.email, issuerOf(desk.instance)];
		expectBundleOf(desk.file('bundle.json'), { email, issuer });
		const whom = ['--certificate-identity', email, '--certificate-oidc-issuer', issuer];
		const said = await desk.mustRun(cosign, ['verify-blob', '--bundle', 'bundle.json', ...whom, 'artifact']);
		expect(said).toContain('Verified OK');
	});

	it('is refused with another secret', async () => {
		const running = desk.run(cosign, signing('wrong-secret', 'refused.json'));
		expect(await running.ended).not.toBe(0);
		expect(running.screen).toMatch(/401 Unauthorized.*invalid_client/);
	});
});
