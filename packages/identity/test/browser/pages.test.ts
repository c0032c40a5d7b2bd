/**
 * Every page in Chromium, through the real service: accessible in both themes and at all widths, without errors, and without
 * anything from elsewhere. PAGE_PICTURES names a folder for pictures of all of them.
 */
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { launchChromium } from '@chancery/testkit/browser/chromium';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OpenWorld, openWorld } from './companies.ts';
import { SCENES } from './scenes.ts';
import { Visitor } from './visitor.ts';

const THEMES = ['light', 'dark'] as const;
/** Of a screen at 200 %. */
const ZOOMED = 640;
/** The last is the narrowest that WCAG asks for (1.4.10), which is also the first at 400 %. */
const WIDTHS = [1280, ZOOMED, 320] as const;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

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
afterEach(() => visitor.leave());

/** What axe finds, in words. */
async function violationsOf(page: Page): Promise<string[]> {
	const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
	return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}

/** Scripts of the test, as text: they run in the browser, whose names the compiler does not know here. */
const SIDEWAYS = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
const MOVING = `[...document.querySelectorAll('*')].filter((each) => {
	const { animationName, transitionDuration } = getComputedStyle(each);
	return animationName !== 'none' || transitionDuration !== '0s';
}).map((each) => each.outerHTML)`;
const WITHOUT_BORDER = `[...document.querySelectorAll('.button, .input')]
	.filter((each) => getComputedStyle(each).borderTopStyle !== 'solid').map((each) => each.outerHTML)`;

async function picture(page: Page, name: string): Promise<void> {
	const folder = process.env.PAGE_PICTURES;
	if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

describe.each(SCENES)('the page $name', ({ name, heading, open }) => {
	it('is accessible and quiet in both themes, wide, zoomed and narrow', async () => {
		const { page } = visitor;
		await open(page, world);
		expect(await page.getByRole('heading', { level: 1 }).allInnerTexts()).toEqual([heading]);
		const found: string[] = [];
		for (const colorScheme of THEMES) {
			await page.emulateMedia({ colorScheme });
			for (const width of WIDTHS) {
				await page.setViewportSize({ width, height: 900 });
				expect(await page.evaluate(SIDEWAYS), `scrolls sideways at ${width}`).toBe(0);
				if (width === ZOOMED) continue;
				await picture(page, `${name}-${width}-${colorScheme}`);
				found.push(...(await violationsOf(page)).map((what) => `${colorScheme} ${width}: ${what}`));
			}
		}
		expect(found).toEqual([]);
		expect(visitor.complaints).toEqual([]);
	});

	it('can be used in forced colours, and stands still', async () => {
		const { page } = visitor;
		await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
		await open(page, world);
		await picture(page, `${name}-forced`);
		expect(await violationsOf(page)).toEqual([]);
		expect(await page.evaluate(MOVING)).toEqual([]);
		// A control is seen by its border, where no background is painted.
		expect(await page.evaluate(WITHOUT_BORDER)).toEqual([]);
		expect(visitor.complaints).toEqual([]);
	});
});
