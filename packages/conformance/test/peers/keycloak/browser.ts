/**
 * The browser of a person who signs in: opens an address, fills in Keycloak's form, agrees where Keycloak asks whether a
 * device may sign in, and follows redirects until a page shows nothing more to fill in. Clients start it as `xdg-open URL`.
 */
import { argv, env, exit, stderr } from 'node:process';

const MAX_PAGES = 20;
const MAX_TRIES = 3;

interface Form {
	readonly action: URL;
	readonly html: string;
}

const cookies = new Map<string, Map<string, string>>();

/** GET, or POST of a form, and the page that redirects end at. */
async function open(url: URL, body?: URLSearchParams): Promise<Form | undefined> {
	let [at, sent] = [url, body];
	for (let pages = 0; pages < MAX_PAGES; pages++) {
		const jar = cookies.get(at.host) ?? new Map<string, string>();
		const answer = await send(at, {
			method: sent === undefined ? 'GET' : 'POST',
			headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
			redirect: 'manual',
			...(sent === undefined ? {} : { body: sent }),
		});
		for (const line of answer.headers.getSetCookie()) {
			const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
			jar.set(name, value);
		}
		cookies.set(at.host, jar);
		const next = answer.headers.get('location');
		if (next === null) return formIn(at, await answer.text(), answer.status);
		await answer.body?.cancel();
		[at, sent] = [new URL(next, at), undefined];
	}
	throw new Error(`more than ${MAX_PAGES} redirects, the last to ${at.origin}`);
}

/** As browsers do, again where the other side has closed a connection that was kept open. */
async function send(url: URL, request: RequestInit): Promise<Response> {
	for (let tries = 1; ; tries++) {
		try {
			return await fetch(url, request);
		} catch (error) {
			if (tries === MAX_TRIES) throw error;
		}
	}
}

function formIn(page: URL, html: string, status: number): Form | undefined {
	if (status >= 400) throw new Error(`${page.origin}${page.pathname} answered ${status}: ${wordsOf(html)}`);
	const [, action] = /<form\b[^>]*\baction="([^"]+)"[^>]*\bmethod="post"/i.exec(html) ?? [];
	return action === undefined ? undefined : { action: new URL(action.replaceAll('&amp;', '&'), page), html };
}

const wordsOf = (html: string): string =>
	html
		.replaceAll(/<(script|style)\b.*?<\/\1>/gs, ' ')
		.replaceAll(/<[^>]*>/g, ' ')
		.replaceAll(/\s+/g, ' ')
		.slice(0, 500);

async function signIn(address: string, username: string, password: string): Promise<void> {
	const isLogin = ({ html }: Form) => html.includes('name="password"');
	let form = await open(new URL(address));
	if (form === undefined || !isLogin(form)) throw new Error('the address shows no login form');
	form = await open(form.action, new URLSearchParams({ username, password, credentialId: '' }));
	if (form !== undefined && isLogin(form)) throw new Error(`the login was refused: ${wordsOf(form.html)}`);
	// Keycloak asks whether the device may sign in; to a client on this machine it redirects at once.
	if (form !== undefined) form = await open(form.action, new URLSearchParams({ accept: 'Yes' }));
	if (form !== undefined) throw new Error(`there is one more form: ${wordsOf(form.html)}`);
}

try {
	await signIn(argv[2] ?? '', env.LOGIN_NAME ?? '', env.LOGIN_PASSWORD ?? '');
} catch (error) {
	stderr.write(`${error instanceof Error ? `${error.message} ${error.cause ?? ''}` : error}\n`);
	exit(1);
}
