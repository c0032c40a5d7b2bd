/** What a person does on the pages of our identity service: by what they read, never by markup. */
import type { PersonAtBrowser } from '@chancery/testkit/browser/person';

/** As one recognizes it: long, and of no language. */
const CODE = /^[\w-]{20,}$/;

/** Opens the address that a client gave, and signs in there. Returns the address at which the browser arrives. */
export async function signInAt(person: PersonAtBrowser, address: string, email: string): Promise<string> {
	await person.open(address);
	return signIn(person, email);
}

/**
 * On the login page: the development login.
 * @throws {Error} with the words of the page that refused it
 */
export async function signIn(person: PersonAtBrowser, email: string): Promise<string> {
	const { page } = person;
	await page.getByLabel('E-mail address').fill(email);
	const arrived = await person.leaveBy(() => page.getByRole('button', { name: 'Sign in', exact: true }).click());
	const refusals = await page.getByRole('alert').allTextContents();
	if (refusals.length > 0) throw new Error(`the login was refused: ${refusals.join(' ')}`);
	return arrived;
}

/** Follows the link of a device flow, compares the code with the one that the program shows, and signs in. */
export async function signInDevice(
	person: PersonAtBrowser,
	{ address, userCode, email }: { address: string; userCode: string; email: string },
): Promise<void> {
	const { page } = person;
	await person.open(address);
	await person.leaveBy(() => page.getByRole('button', { name: 'Continue', exact: true }).click());
	await page.getByText(userCode, { exact: true }).waitFor();
	await person.leaveBy(() => page.getByRole('button', { name: 'Yes, continue' }).click());
	await signIn(person, email);
	await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
}

/** Signs in for a client that cannot be redirected to, and returns the code to type into it. */
export async function signInForCode(person: PersonAtBrowser, address: string, email: string): Promise<string> {
	await signInAt(person, address, email);
	return (await person.page.getByText(CODE).textContent()) ?? '';
}
