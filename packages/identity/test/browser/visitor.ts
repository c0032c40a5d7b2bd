/** A browser that notices what a page should not do: errors, violations of its policy, requests to others, text that moves. */
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';

/** Chromium's own word for the status of the document that the test asked for. */
const STATUS_OF_PAGE = /^Failed to load resource: the server responded with a status of [45]\d\d/;

/** In the browser's own name: the policy of the page does not apply to it. */
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
	console.error('policy violated: ' + event.violatedDirective + ' ' + event.blockedURI))`;

export class Visitor {
	readonly page: Page;
	readonly #context: BrowserContext;
	readonly #complaints: string[] = [];

	static async arrive(browser: Browser): Promise<Visitor> {
		const context = await browser.newContext();
		await context.addInitScript(REPORT_VIOLATIONS);
		return new Visitor(context, await context.newPage());
	}

	private constructor(context: BrowserContext, page: Page) {
		this.#context = context;
		this.page = page;
		page.on('console', (message) => {
			const { url } = message.location();
			const isStatus = STATUS_OF_PAGE.test(message.text()) && url === page.url();
			if (message.type() !== 'log' && !isStatus) this.#complaints.push(`console: ${message.text()} ${url}`);
		});
		page.on('pageerror', (error) => this.#complaints.push(`script: ${error.message}`));
		page.on('request', (request) => this.#judge(request));
		page.on('response', (response) => {
			if (!response.request().isNavigationRequest() && response.status() !== 200)
				this.#complaints.push(`${response.status()} for ${response.url()}`);
		});
	}

	/** What happened since the browser arrived. A test expects nothing. */
	get complaints(): readonly string[] {
		return this.#complaints;
	}

	async leave(): Promise<void> {
		await this.#context.close();
	}

	#judge(request: Request): void {
		if (request.isNavigationRequest()) return;
		if (new URL(request.url()).origin !== new URL(request.frame().url()).origin)
			this.#complaints.push(`request to ${request.url()}`);
		if (request.resourceType() === 'script') this.#complaints.push(`script ${request.url()}`);
	}
}
