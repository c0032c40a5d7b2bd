/**
 * Dex as the upstream of our identity service: a person signs in at Dex's pages because cosign asks them to, and the
 * certificate names the connector. Dex and cosign are unmodified.
 */
import { writeFile } from 'node:fs/promises';
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { CLIENTS } from '@chancery/testkit/peers/peer-table';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { expectBundleOf } from '../logins/certified.ts';
import { Desk } from '../logins/desk.ts';
import { type MadeInstance, startMadeInstance } from '../logins/made-instance.ts';
import { CLIENT, type DexServer, PASSWORD, placeDex } from './dex/dex-server.ts';

const EMAIL = 'alice@example.com';
/** The operator's choice: what verifiers ask for. */
const CONNECTOR = 'https://dex.example.com';

let dex: DexServer;
let made: MadeInstance;
let desk: Desk;
let cosign: string;

beforeAll(async () => {
	const found = await findPeer('cosign 3', CLIENTS['cosign 3']);
	if ('notRun' in found) throw new Error(found.notRun);
	cosign = found.path;
	dex = await placeDex(inject('peers').dex, [EMAIL]);
	const clientSecret = { env: 'DEX_CLIENT_SECRET' };
	made = await startMadeInstance(
		({ identity, ca }) => {
			const { issuer } = dex;
			identity.connectors = [{ type: 'oidc', id: CONNECTOR, name: 'Dex', issuer, clientId: CLIENT.id, clientSecret }];
			ca.issuers = (ca.issuers as { type: string }[]).map((each) =>
				each.type === 'email' ? { issuerClaim: '$.federated_claims.connector_id', ...each } : each,
			);
		},
		{ DEX_CLIENT_SECRET: CLIENT.secret },
	);
	await dex.start(`${made.instance.oidcIssuer}/callback`);
	desk = await Desk.open(made.instance);
	await writeFile(desk.file('artifact'), 'what somebody releases\n');
	const { urls, root } = made.instance;
	const first = ['--root', root.path, '--root-checksum', root.sha256];
	await desk.mustRun(cosign, ['initialize', '--mirror', urls.tuf, ...first]);
});
afterEach(() => desk?.clear());
afterAll(async () => {
	await desk?.close();
	await made?.stop();
	await dex?.stop();
});

it('lets a person sign in at Dex, and certifies the connector', async () => {
	const running = desk.run(cosign, ['sign-blob', '--yes', '--bundle', 'bundle.json', 'artifact']);
	const person = await desk.person();
	const { page } = person;
	await person.open(await desk.opened());
	await page.getByRole('link', { name: 'Continue with Dex' }).click();
	await page.getByLabel('Email Address').fill(EMAIL);
	await page.getByLabel('Password').fill(PASSWORD);
	await page.getByRole('button', { name: 'Login' }).click();
	await page.getByRole('button', { name: 'Grant Access' }).click();
	expect(await running.ended, running.screen).toBe(0);

	expectBundleOf(desk.file('bundle.json'), { email: EMAIL, issuer: CONNECTOR });
	const whom = ['--certificate-identity', EMAIL, '--certificate-oidc-issuer', CONNECTOR];
	const said = await desk.mustRun(cosign, ['verify-blob', '--bundle', 'bundle.json', ...whom, 'artifact']);
	expect(said).toContain('Verified OK');
});
