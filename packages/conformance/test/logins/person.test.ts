/** The person at the browser notices what pages of ours must not do. Otherwise no other test here would. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { launchChromium } from '@chancery/testkit/browser/chromium';
import { PersonAtBrowser } from '@chancery/testkit/browser/person';
import { afterAll, beforeAll, expect, it } from 'vitest';

const STRICT = "default-src 'none'; script-src 'nonce-of-the-test'; img-src *; connect-src *";
/** Elsewhere and not there: no request leaves this machine. */
const ELSEWHERE = 'http://elsewhere.example';

const PAGES: Readonly<Record<string, string>> = {
	'/clean': '<h1>Clean</h1><a href="/other">Other</a>',
	'/other': '<h1>Other</h1>',
	'/inline-script': '<h1>Script</h1><script>document.title = "run"</script>',
	'/style': '<h1 style="color: red">Style</h1>',
	'/image': `<h1>Image</h1><img alt="" src="${ELSEWHERE}/pixel.png">`,
	'/throwing': '<h1>Throwing</h1><script nonce="of-the-test">throw new Error("broken")</script>',
	'/leading-away': `<h1>Away</h1><a href="${ELSEWHERE}/page">Away</a>`,
};

let server: Server;
let origin: string;
let chromium: Awaited<ReturnType<typeof launchChromium>>;
beforeAll(async () => {
	server = createServer((request, response) => {
		const body = PAGES[request.url ?? ''];
		// Asked for by the browser, not by the page.
		if (request.url === '/favicon.ico') return response.writeHead(204).end();
		response.writeHead(body === undefined ? 404 : 200, {
			'content-type': 'text/html',
			'content-security-policy': STRICT,
		});
		return response.end(`<!doctype html><html lang="en"><title>t</title><body>${body ?? 'not here'}`);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	chromium = await launchChromium();
});
afterAll(async () => {
	await chromium?.close();
	server?.close();
});

async function complaintsAt(path: string, link?: string): Promise<readonly string[]> {
	const person = await PersonAtBrowser.sitDown(chromium, origin);
	await person.open(`${origin}${path}`);
	if (link !== undefined) await person.leaveBy(() => person.page.getByRole('link', { name: link }).click());
	const { complaints } = person;
	await person.leave();
	return complaints;
}

it('says nothing of pages that do nothing wrong', async () => {
	expect(await complaintsAt('/clean', 'Other')).toEqual([]);
});

it.each([
	['/inline-script', undefined, /error in the console: .*Content Security Policy/],
	['/style', undefined, /error in the console: .*Content Security Policy/],
	['/image', undefined, /image of another origin: http:\/\/elsewhere\.example\/pixel\.png/],
	['/throwing', undefined, /script error: broken/],
	['/not-here', undefined, /error in the console: .*404/],
	['/leading-away', 'Away', /sent to: http:\/\/elsewhere\.example/],
])('complains of %s', async (path, link, words) => {
	expect((await complaintsAt(path, link)).join('\n')).toMatch(words);
});
