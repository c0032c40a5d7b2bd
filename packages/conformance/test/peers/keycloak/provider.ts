/**
 * Keycloak as the company's provider, on the other machine of `pages/operate/machine.sh`: the distribution in `keycloak` of the
 * folder that is given, with nothing in it but its administrator. The page makes realm, people and tokens: the file that says
 * that it answers is empty.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { exit } from 'node:process';
import { ISSUER } from '../../pages/operate/company.ts';

const [base = ''] = process.argv.slice(2);
const { hostname, origin } = new URL(ISSUER);
const PROBE_EVERY_MS = 500;

const certificate = ['--https-certificate-file', join(base, 'others.crt')];
const key = ['--https-certificate-key-file', join(base, 'others.key')];
const address = ['--hostname', origin, '--https-port', '443', '--http-enabled', 'false'];
const output = openSync(join(base, 'keycloak.log'), 'a', 0o600);
const keycloak = spawn(join(base, 'keycloak/bin/kc.sh'), ['start-dev', ...address, ...certificate, ...key], {
	stdio: ['ignore', output, output],
});
closeSync(output);
keycloak.once('exit', () => exit(1));

const ca = readFileSync(join(base, 'authority.crt'));
/** Until the first realm answers. */
function probe(): void {
	const again = () => setTimeout(probe, PROBE_EVERY_MS);
	get(`https://${hostname}/realms/master/.well-known/openid-configuration`, { ca, agent: false }, (answer) => {
		answer.resume();
		if (answer.statusCode === 200) writeFileSync(join(base, 'token'), '');
		else again();
	}).on('error', again);
}
probe();
