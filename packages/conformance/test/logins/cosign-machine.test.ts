/**
 * cosign 3 as a machine with a secret (client credentials, RFC 6749 section 4.4). It posts id and secret in the form, takes the
 * ID token of the answer, and verifies its signature, its issuer, and that its audience has the client's id.
 */
import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chancery } from '../judges/running-instance.ts';
import { issuerOf } from './certified.ts';
import { CosignSigner } from './cosign-signer.ts';
import { Desk, programOf } from './desk.ts';
import { type MadeInstance, startMadeInstance } from './made-instance.ts';

const program = programOf('cosign 3') ?? '';
/** False until the identity service has this grant. */
const hasMachineClients = (await chancery('config', 'schema')).includes('"machineClients"');

const CLIENT = { id: 'release-job', email: 'release-job@example.com' };
const SECRET = 'a secret of the release job';

describe.skipIf(program === '' || !hasMachineClients)('cosign 3 as a machine', () => {
	let made: MadeInstance;
	let desk: Desk;
	let cosign: CosignSigner;
	beforeAll(async () => {
		made = await startMadeInstance(
			({ identity }) => {
				identity.machineClients = [{ ...CLIENT, secret: { env: 'RELEASE_JOB_SECRET' } }];
			},
			{ RELEASE_JOB_SECRET: SECRET },
		);
		desk = await Desk.open(made.instance);
		cosign = await CosignSigner.open(desk, program);
		await writeFile(desk.file('secret'), `${SECRET}\n`);
		await writeFile(desk.file('wrong-secret'), 'a secret of another job\n');
	});
	afterEach(() => desk.clear());
	afterAll(async () => {
		await desk?.close();
		await made?.stop();
	});

	const sign = (secret: string, bundle: string) =>
		cosign.sign(
			bundle,
			...['--fulcio-auth-flow', 'client_credentials'],
			...['--oidc-client-id', CLIENT.id, '--oidc-client-secret-file', secret],
		);

	it('signs under the address that the operator gave it', async () => {
		const running = sign('secret', 'bundle.json');
		expect(await running.ended, running.screen).toBe(0);
		await cosign.expectSigned('bundle.json', { email: CLIENT.email, issuer: issuerOf(desk.instance) });
	});

	it('is refused with another secret', async () => {
		const running = sign('wrong-secret', 'refused.json');
		expect(await running.ended).not.toBe(0);
		expect(running.screen).toMatch(/401 Unauthorized.*invalid_client/);
	});
});
