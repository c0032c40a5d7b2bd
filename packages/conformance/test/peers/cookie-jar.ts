/** A browser without a window: it keeps cookies by origin, and follows redirects as long as a test wants. */

export interface Shown {
	readonly status: number;
	readonly body: string;
	/** Of the page, or of the redirect that was not followed. */
	readonly url: URL;
}

const MAX_REDIRECTS = 20;

export class CookieJar {
	readonly #cookies = new Map<string, string>();

	/** Follows redirects until a page, or until one leads to where `isEnd` says. */
	async open(url: string, isEnd: (target: URL) => boolean, form?: Record<string, string>): Promise<Shown> {
		let at = new URL(url);
		let body = form && new URLSearchParams(form);
		for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
			const answer = await fetch(at, {
				redirect: 'manual',
				headers: { cookie: this.#of(at.origin) },
				...(body ? { method: 'POST', body } : {}),
			});
			for (const line of answer.headers.getSetCookie()) this.#keep(at.origin, line);
			const location = answer.headers.get('location');
			if (location === null) return { status: answer.status, body: await answer.text(), url: at };
			await answer.body?.cancel();
			at = new URL(location, at);
			body = undefined;
			if (isEnd(at)) return { status: answer.status, body: '', url: at };
		}
		throw new Error(`more than ${MAX_REDIRECTS} redirects`);
	}

	#of(origin: string): string {
		const own = [...this.#cookies].filter(([key]) => key.startsWith(`${origin} `));
		return own.map(([key, value]) => `${key.slice(origin.length + 1)}=${value}`).join('; ');
	}

	#keep(origin: string, line: string): void {
		const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
		if (/;\s*max-age=0/i.test(line)) this.#cookies.delete(`${origin} ${name}`);
		else this.#cookies.set(`${origin} ${name}`, value);
	}
}
