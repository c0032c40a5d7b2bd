/**
 * A browser, as far as a sign-in needs one: a cookie jar with paths and expiry, redirects, forms, and an Origin header with every
 * form. It never leaves the origin where it was opened: a redirect to another origin ends the visit.
 */

export interface Visit {
	readonly status: number;
	readonly headers: Headers;
	readonly body: string;
	/** The address of the page that answered. */
	readonly url: string;
	/** Where the provider sent the browser, when that was not one of its own pages. */
	readonly leftFor: string | undefined;
}

interface Cookie {
	readonly name: string;
	readonly value: string;
	readonly path: string;
}

const MAX_REDIRECTS = 10;

export class Browser {
	readonly origin: string;
	cookies: Cookie[] = [];

	constructor(origin: string) {
		this.origin = origin;
	}

	open(url: string): Promise<Visit> {
		return this.#go('GET', new URL(url, this.origin).href, {});
	}

	/** Sends a form as a page of this origin does; `headers` replace what a browser would send. */
	submit(url: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Visit> {
		return this.#go('POST', new URL(url, this.origin).href, {
			body: new URLSearchParams(fields).toString(),
			headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.origin, ...headers },
		});
	}

	/** The value that a form of `page` carries in the hidden field `name`. */
	static hidden(page: Visit, name: string): string {
		return new RegExp(`name="${name}" value="([^"]*)"`).exec(page.body)?.[1] ?? '';
	}

	/** The address of the first form of `page`. */
	static action(page: Visit): string {
		return /<form method="post" action="([^"]+)"/.exec(page.body)?.[1] ?? '';
	}

	async #go(method: string, url: string, init: { body?: string; headers?: Record<string, string> }): Promise<Visit> {
		let request = { method, url, ...init };
		for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
			const cookie = this.#cookiesFor(new URL(request.url).pathname);
			const response = await fetch(request.url, {
				method: request.method,
				redirect: 'manual',
				...(request.body === undefined ? {} : { body: request.body }),
				headers: { accept: 'text/html', ...(cookie ? { cookie } : {}), ...request.headers },
			});
			for (const line of response.headers.getSetCookie()) this.#store(line, request.url);
			const body = await response.text();
			const location = response.headers.get('location');
			const target = location === null ? undefined : new URL(location, request.url);
			const visit = { status: response.status, headers: response.headers, body, url: request.url };
			if (!target) return { ...visit, leftFor: undefined };
			if (target.origin !== this.origin) return { ...visit, leftFor: target.href };
			request = { method: 'GET', url: target.href };
		}
		throw new Error(`more than ${MAX_REDIRECTS} redirects`);
	}

	#cookiesFor(path: string): string {
		return this.cookies
			.filter((cookie) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
			.map((cookie) => `${cookie.name}=${cookie.value}`)
			.join('; ');
	}

	#store(line: string, url: string): void {
		const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
		const attribute = (name: string) =>
			attributes.find((part) => part.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
		const path = attribute('path') ?? new URL('.', url).pathname;
		const [name = '', value = ''] = pair.split('=', 2);
		this.cookies = this.cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
		const expires = attribute('expires');
		if (value !== '' && (expires === undefined || Date.parse(expires) > Date.now()))
			this.cookies.push({ name, value, path });
	}
}
