/** Sign-ins from beginning to end with the keyboard alone: what is pressed is Tab, Enter and letters, and the focus is seen. */
import { launchChromium } from '@chancery/testkit/browser/chromium';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TEST_SECRET } from '../identity-server.ts';
import { type OpenWorld, openWorld } from './companies.ts';
import { beginAt, beginDevice } from './scenes.ts';
import { Visitor } from './visitor.ts';

const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';
const MAX_TABS = 20;

/** Scripts of the test, as text: they run in the browser, whose names the compiler does not know here. */
const NAME_OF_FOCUSED = `(({ id, textContent }) => id || textContent.trim())(document.activeElement)`;
const OUTLINE_OF_FOCUSED = `(({ outlineStyle, outlineWidth }) => outlineStyle + ' ' + outlineWidth)(getComputedStyle(document.activeElement))`;
const SELECTED = `document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)`;

let world: OpenWorld;
let chromium: Awaited<ReturnType<typeof launchChromium>>;
let visitor: Visitor;

beforeAll(async () => {
	[world, chromium] = await Promise.all([openWorld(), launchChromium()]);
});
afterAll(async () => {
	await chromium?.close();
	await world?.close();
});
beforeEach(async () => {
	visitor = await Visitor.arrive(chromium);
});
afterEach(async () => {
	const { complaints } = visitor;
	await visitor.leave();
	expect(complaints).toEqual([]);
});

/** Presses Tab until the control of this id or text has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
	const passed: unknown[] = [];
	for (let i = 0; i < MAX_TABS; i++) {
		await page.keyboard.press('Tab');
		passed.push(await page.evaluate(NAME_OF_FOCUSED));
		if (passed.at(-1) !== name) continue;
		expect(await page.evaluate(OUTLINE_OF_FOCUSED)).toBe('solid 3px');
		return;
	}
	throw new Error(`Tab does not reach ${name}, but ${passed.join(', ')}`);
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

async function signInAs(page: Page, address: string): Promise<void> {
	await heading(page, 'Sign in');
	await tabTo(page, 'email');
	await page.keyboard.type(address);
	await page.keyboard.press('Enter');
}

describe('with the keyboard alone', () => {
	it('a person signs in, and copies the code', async () => {
		const { page } = visitor;
		await page.goto(beginAt(world.development, { redirect_uri: OUT_OF_BAND }));
		await signInAs(page, 'alice@example.com');
		await heading(page, 'Almost done');
		await tabTo(page, 'code-field');
		expect(await page.evaluate(SELECTED)).toBe(await page.locator('#code').textContent());
		// It appears when it is reached, and not before.
		expect(await page.locator('#code-field').boundingBox()).toMatchObject({ height: expect.closeTo(44, -1) });
	});

	it('a person hears what was wrong, goes to the field, and corrects it', async () => {
		const { page } = visitor;
		await page.goto(beginAt(world.secret, { redirect_uri: OUT_OF_BAND }));
		await heading(page, 'Sign in');
		await tabTo(page, 'email');
		await page.keyboard.type('alice@example.com');
		await page.keyboard.press('Tab');
		await page.keyboard.type('not the secret');
		await page.keyboard.press('Enter');
		const alert = page.getByRole('alert');
		await alert.getByRole('link', { name: /^That is not the secret/ }).waitFor();
		expect(await page.evaluate(NAME_OF_FOCUSED)).toBe('secret');
		expect(await page.locator('#secret').getAttribute('aria-describedby')).toContain(await alert.getAttribute('id'));
		expect(await page.locator('#email').inputValue()).toBe('alice@example.com');
		await alert.getByRole('link').focus();
		await page.keyboard.press('Enter');
		await page.keyboard.type(TEST_SECRET);
		await page.keyboard.press('Enter');
		await heading(page, 'Almost done');
	});

	it('a person signs in another device, and stops it', async () => {
		const { page } = visitor;
		const { development } = world;
		for (const [button, end] of [
			['Yes, continue', 'You are signed in'],
			['No, stop', 'Stopped'],
		] as const) {
			const device = await beginDevice(development);
			await page.goto(device.verification_uri);
			await heading(page, 'Sign in on another device');
			await page.keyboard.type(device.user_code.toLowerCase());
			await page.keyboard.press('Enter');
			await heading(page, 'Is this your program?');
			await tabTo(page, button);
			await page.keyboard.press('Enter');
			if (button === 'Yes, continue') await signInAs(page, 'alice@example.com');
			await heading(page, end);
		}
	});

	it('a person reaches each way to sign in, and cancels', async () => {
		const { page } = visitor;
		await page.goto(beginAt(world.company, { redirect_uri: OUT_OF_BAND }));
		await heading(page, 'Sign in');
		await tabTo(page, 'Continue with Example People');
		await tabTo(page, 'Continue with Example Accounts');
		await tabTo(page, 'Cancel');
		await page.keyboard.press('Enter');
		await heading(page, 'There is no code to copy');
	});

	it('a person goes to the provider of a company', async () => {
		const { page } = visitor;
		await page.goto(beginAt(world.company));
		await heading(page, 'Sign in');
		await tabTo(page, 'Continue with Example People');
		await page.keyboard.press('Enter');
		await page.getByText('Secret of this instance').waitFor();
		expect(new URL(page.url()).origin).toBe(world.secret.publicUrl);
	});
});
