/**
 * Dex as the upstream of our identity service: a person signs in at Dex's pages because cosign asks them to, and the
 * certificate names the connector. Dex and cosign are unmodified.
 */
import type { PersonAtBrowser } from '@chancery/testkit/browser/person';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { CLIENT, PASSWORD, placeDex } from './dex/dex-server.ts';
import { openWorkplaceAt, type Workplace } from './upstream.ts';

const EMAIL = 'alice@example.com';
const CONNECTOR = 'https://dex.example.com';

let at: Workplace;
beforeAll(async () => {
	const dex = await placeDex(inject('peers').dex, [EMAIL]);
	at = await openWorkplaceAt(dex, { id: CONNECTOR, name: 'Dex', clientId: CLIENT.id, clientSecret: CLIENT.secret });
});
afterEach(() => at?.desk.clear());
afterAll(() => at?.close());

async function signInAtDex({ page }: PersonAtBrowser): Promise<void> {
	await page.getByRole('link', { name: 'Continue with Dex' }).click();
	await page.getByLabel('Email Address').fill(EMAIL);
	await page.getByLabel('Password').fill(PASSWORD);
	await page.getByRole('button', { name: 'Login' }).click();
	await page.getByRole('button', { name: 'Grant Access' }).click();
}

it('lets a person sign in at Dex, and certifies the connector', async () => {
	const running = at.cosign.sign('bundle.json');
	const person = await at.desk.person();
	await person.open(await at.desk.opened());
	await signInAtDex(person);
	expect(await running.ended, running.screen).toBe(0);
	await at.cosign.expectSigned('bundle.json', { email: EMAIL, issuer: CONNECTOR });
});

it('takes people again after Dex was restarted, with other keys', async () => {
	// It keeps nothing, so that its keys are new.
	await at.stopUpstream();
	await at.startUpstream();
	const running = at.cosign.sign('again.json');
	const person = await at.desk.person();
	await person.open(await at.desk.opened());
	await signInAtDex(person);
	expect(await running.ended, running.screen).toBe(0);
	await at.cosign.expectSigned('again.json', { email: EMAIL, issuer: CONNECTOR });
});
