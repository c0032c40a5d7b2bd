/**
 * Writes `operator-seeds.json`: what operators have in files. Run by hand, with OpenSSL 3 in the path:
 *
 *     node packages/conformance/test/mangle/collect-operator-seeds.ts
 *
 * The keys in it are made for it, open nothing and are named by nothing; a case can only be repeated from the same ones.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';

const PASSPHRASE = 'mangled';
const folder = mkdtempSync(join(tmpdir(), 'chancery-seeds-'));
const at = (name: string) => join(folder, name);
const openssl = (...args: string[]) =>
	execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString('utf8');
const text = (name: string) => ({ text: readFileSync(at(name), 'utf8') });

const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
openssl('genpkey', ...P256, '-out', at('p256'));
openssl('genpkey', '-algorithm', 'ed25519', '-out', at('ed25519'));
const encrypt = ['pkcs8', '-topk8', '-in', at('p256'), '-passout', `pass:${PASSPHRASE}`];
// Few rounds: what is looked for are faults, not the time that a passphrase holds.
openssl(...encrypt, '-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA256', '-iter', '1000', '-out', at('pbkdf2'));
openssl(...encrypt, '-scrypt', '-scrypt_N', '1024', '-out', at('scrypt'));
const names = ['-subj', '/CN=tls.example', '-addext', 'subjectAltName=DNS:tls.example,IP:127.0.0.1'];
openssl('req', '-new', '-x509', '-key', at('p256'), '-days', '36500', ...names, '-out', at('certificate'));
openssl('x509', '-in', at('certificate'), '-trustout', '-addtrust', 'serverAuth', '-out', at('trusted'));

const seeds = {
	'tls certificate': text('certificate'),
	'trusted certificate': text('trusted'),
	'key P-256': text('p256'),
	'key Ed25519': text('ed25519'),
	'key encrypted by PBKDF2': text('pbkdf2'),
	'key encrypted by scrypt': text('scrypt'),
	'signing jwks': { text: JSON.stringify(await generateSigningJwks()) },
};
rmSync(folder, { recursive: true });
writeFileSync(join(import.meta.dirname, 'operator-seeds.json'), `${JSON.stringify(seeds, undefined, '\t')}\n`);
