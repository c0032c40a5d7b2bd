/**
 * Debian's Chromium without a window, which tests of pages and logins drive through playwright-core. It reaches nothing but
 * this machine.
 */
import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Every other name is unknown to it, so that a page which loads something from elsewhere fails here as it does offline. */
const ONLY_LOOPBACK = 'MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1';
const ARGUMENTS = [
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	`--host-resolver-rules=${ONLY_LOOPBACK}`,
];

/**
 * Path of the program: where CHROMIUM says, or where distributions put it.
 * @throws {Error} that says why nothing is run, and what to install
 */
export function findChromium(): string {
	const places = process.env.CHROMIUM ? [process.env.CHROMIUM] : PLACES;
	const found = places.find((path) => spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0);
	if (found === undefined)
		throw new Error(
			`not run, because there is no Chromium (tried ${places.join(', ')}): apt-get install --no-install-recommends chromium, or name one in CHROMIUM`,
		);
	return found;
}

/** Starts it; each of its contexts is a fresh profile. The caller closes it. */
export function launchChromium(): Promise<Browser> {
	return chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
}
