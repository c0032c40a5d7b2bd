/** A login of the person at this terminal: in the browser of the machine, on another device, or with a copied code. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import type { IssuerClient, IssuerDeps } from '@chancery/client/tokens/issuer';
import { terminal } from './terminal.ts';

export const LOGIN_WAYS = ['browser', 'device', 'code'] as const;
export type LoginWay = (typeof LOGIN_WAYS)[number];

/** Whether somebody is there who can sign in. */
export function isInteractive(): boolean {
	return process.stdin.isTTY === true && terminal.isForPeople;
}

/** The browser of this machine where there is one that can be seen. */
export function usualWay(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): LoginWay {
	if (env.BROWSER || platform === 'darwin' || platform === 'win32') return 'browser';
	return env.DISPLAY || env.WAYLAND_DISPLAY ? 'browser' : 'device';
}

/**
 * Returns the ID token of whoever signs in, verified. Addresses and codes go to standard error, where people read.
 * @throws {ClientError} when the login does not end well
 */
export async function logIn(way: LoginWay, client: IssuerClient): Promise<string> {
	const deps: IssuerDeps = { fetch, clock: Date.now };
	if (way === 'device') {
		const { logInWithDevice } = await import('@chancery/client/tokens/device-login');
		return logInWithDevice(client, {
			...deps,
			show: ({ userCode, url, completeUrl }) => {
				terminal.say(`Sign in at ${completeUrl ?? url} on any device, and confirm the code ${userCode}`);
			},
		});
	}
	if (way === 'code') {
		const { logInWithCopiedCode } = await import('@chancery/client/tokens/copied-code-login');
		return logInWithCopiedCode(client, {
			...deps,
			ask: async (url) => {
				terminal.say(`Sign in at ${url}`);
				const lines = createInterface({ input: process.stdin, output: process.stderr });
				try {
					return await lines.question('Code: ');
				} finally {
					lines.close();
				}
			},
		});
	}
	const { logInWithBrowser } = await import('@chancery/client/tokens/browser-login');
	return logInWithBrowser(client, {
		...deps,
		show: (url) => {
			terminal.say(`Sign in in the browser. If none opens: ${url}`);
			openBrowser(url);
		},
	});
}

/** Without a shell, since the address is that of a provider. Whether a page opens is not known here. */
function openBrowser(url: string): void {
	const [program, ...args] = browserCommand();
	const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
	// There is no such program: the person has the address.
	child.on('error', () => undefined);
	child.unref();
}

function browserCommand(): [string, ...string[]] {
	if (process.env.BROWSER) return [process.env.BROWSER];
	if (process.platform === 'darwin') return ['open'];
	if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
	return ['xdg-open'];
}
