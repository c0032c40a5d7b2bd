/**
 * A person at a browser, in a fresh profile. What our pages do that they should not is recorded: errors and violations of the
 * content security policy that the browser reports, and requests of ours to other origins. Pages of others, such as that of a
 * client which has received its redirect, may do as they like.
 */
import type { Browser, BrowserContext, ConsoleMessage, Page, Request } from 'playwright-core';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export class PersonAtBrowser {
	readonly page: Page;
	readonly #context: BrowserContext;
	readonly #origin: string;
	readonly #complaints: string[] = [];

	/** @param origin of our pages */
	static async sitDown(browser: Browser, origin: string): Promise<PersonAtBrowser> {
		const context = await browser.newContext();
		return new PersonAtBrowser(context, await context.newPage(), origin);
	}

	private constructor(context: BrowserContext, page: Page, origin: string) {
		this.#context = context;
		this.#origin = origin;
		this.page = page;
		context.on('request', (request) => this.#judgeRequest(request));
		context.on('console', (message) => this.#judgeMessage(message));
		context.on('weberror', (error) => {
			if (this.#isOurs(error.page()?.url() ?? origin)) this.#complain('script error', error.error().message);
		});
	}

	/** What our pages did that they should not. A test expects none. */
	get complaints(): readonly string[] {
		return this.#complaints;
	}

	/** Takes back complaints that a test expects, and fails when there are none. */
	forgive(words: RegExp): void {
		const others = this.#complaints.filter((complaint) => !words.test(complaint));
		if (others.length === this.#complaints.length) throw new Error(`there is no complaint ${words}`);
		this.#complaints.splice(0, this.#complaints.length, ...others);
	}

	/** Opens an address as a link from outside does, and waits until the page has loaded. */
	async open(address: string): Promise<void> {
		await this.page.goto(address, { waitUntil: 'load' });
	}

	/**
	 * Does what leads away from this page, and waits until the browser is where it leads to: another page of ours, or
	 * somebody else's, who need not answer. Returns that address.
	 */
	async leaveBy(action: () => Promise<void>): Promise<string> {
		const shown = this.page.waitForEvent('load');
		const left = this.page.waitForRequest(
			(request) =>
				request.isNavigationRequest() && request.frame() === this.page.mainFrame() && !this.#isOurs(request.url()),
		);
		// Whichever loses ends with the page.
		for (const each of [left, shown]) each.catch(() => undefined);
		await action();
		const request = await Promise.race([left, shown.then(() => undefined)]);
		if (request === undefined) return this.page.url();
		// A client may end as soon as it has what it needs, before the browser has its page.
		await Promise.race([shown, this.page.waitForEvent('requestfailed', (failed) => failed === request)]);
		return request.url();
	}

	async leave(): Promise<void> {
		await this.#context.close();
	}

	#judgeRequest(request: Request): void {
		const { hostname, origin } = new URL(request.url());
		if (request.isNavigationRequest()) {
			if (!this.#isOurs(request.url()) && !LOOPBACK.test(hostname)) this.#complain('sent to', origin);
			return;
		}
		if (this.#isOurs(request.frame().url()) && !this.#isOurs(request.url()))
			this.#complain(`${request.resourceType()} of another origin`, request.url());
	}

	#judgeMessage(message: ConsoleMessage): void {
		if (message.type() !== 'error') return;
		if (this.#isOurs(message.location().url || message.page()?.url() || this.#origin))
			this.#complain('error in the console', message.text());
	}

	#isOurs(address: string): boolean {
		return URL.canParse(address) && new URL(address).origin === this.#origin;
	}

	#complain(what: string, which: string): void {
		this.#complaints.push(`${what}: ${which}`);
	}
}
