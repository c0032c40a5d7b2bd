/**
 * The issuer of the company, on the other machine: what an OpenID Connect provider must show, and a token for one person, in
 * the file `token` of the folder that is given.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { EMAIL, ISSUER } from './company.ts';

const [base = ''] = process.argv.slice(2);
const { pathname, hostname } = new URL(ISSUER);
const KEY_ID = 'pages';
const TOKEN_SECONDS = 3600;

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const documents: Readonly<Record<string, object>> = {
	[`${pathname}/.well-known/openid-configuration`]: {
		issuer: ISSUER,
		jwks_uri: `${ISSUER}/keys`,
		authorization_endpoint: `${ISSUER}/auth`,
		token_endpoint: `${ISSUER}/token`,
		response_types_supported: ['code'],
		subject_types_supported: ['public'],
		id_token_signing_alg_values_supported: ['RS256'],
	},
	[`${pathname}/keys`]: {
		keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' }],
	},
};

const read = (name: string) => readFileSync(join(base, name));
createServer({ key: read('others.key'), cert: read('others.crt') }, ({ url = '' }, answer) => {
	const document = documents[url];
	answer.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
	answer.end(JSON.stringify(document ?? {}));
}).listen(443, hostname, () => {
	const iat = Math.floor(Date.now() / 1000);
	const claims = { iss: ISSUER, sub: 'you', aud: 'sigstore', email: EMAIL, email_verified: true, iat };
	const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
	const signed = `${encode({ alg: 'RS256', kid: KEY_ID })}.${encode({ ...claims, exp: iat + TOKEN_SECONDS })}`;
	const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
	writeFileSync(join(base, 'token.next'), `${signed}.${signature}`);
	renameSync(join(base, 'token.next'), join(base, 'token'));
});
