/**
 * Keycloak as the upstream of our identity service: a person signs in at Keycloak's page because cosign asks them to, and the
 * certificate names the connector. Keycloak and cosign are unmodified.
 */
import type { PersonAtBrowser } from '@chancery/testkit/browser/person';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { CLIENT, PASSWORD, placeKeycloak } from './keycloak/keycloak-server.ts';
import { openWorkplaceAt, type Workplace } from './upstream.ts';

const ALICE = { email: 'alice@example.com', emailVerified: true };
const MALLORY = { email: 'president@example.com', emailVerified: false };
const CONNECTOR = 'https://login.example.com/realms/people';

let at: Workplace;
beforeAll(async () => {
	const keycloak = await placeKeycloak(inject('peers').keycloak, [ALICE, MALLORY]);
	const client = { clientId: CLIENT.id, clientSecret: CLIENT.secret };
	at = await openWorkplaceAt(keycloak, { id: CONNECTOR, name: 'Keycloak', ...client });
}, 1_200_000);
afterEach(() => at?.desk.clear());
afterAll(() => at?.close());

async function signInAtKeycloak(person: PersonAtBrowser, address: string, email: string): Promise<void> {
	const { page } = person;
	await person.open(address);
	await page.getByRole('link', { name: 'Continue with Keycloak' }).click();
	await page.getByLabel('Username or email').fill(email);
	await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
	await page.getByRole('button', { name: 'Sign In' }).click();
}

it('lets a person sign in at Keycloak, and certifies the connector', async () => {
	const running = at.cosign.sign('bundle.json');
	await signInAtKeycloak(await at.desk.person(), await at.desk.opened(), ALICE.email);
	expect(await running.ended, running.screen).toBe(0);
	await at.cosign.expectSigned('bundle.json', { email: ALICE.email, issuer: CONNECTOR });
});

it('refuses a person whose address Keycloak has not verified, and says so', async () => {
	at.cosign.sign('refused.json');
	const person = await at.desk.person();
	await signInAtKeycloak(person, await at.desk.opened(), MALLORY.email);
	await person.page.getByText('has not verified the e-mail address').waitFor();
	// The status of the refusal, which the browser reports.
	person.forgive(/status of 4\d\d/);
});
