/** The issuer of the company, on the other machine, and a token for one person, in the file `token` of the folder that is given. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOpenIdIssuer, serveOpenIdIssuer } from '@chancery/testkit/openid-issuer';
import { EMAIL, ISSUER } from './company.ts';

const [base = ''] = process.argv.slice(2);
const read = (name: string) => readFileSync(join(base, name));
const issuer = makeOpenIdIssuer(ISSUER);
await serveOpenIdIssuer(issuer, { key: read('others.key'), cert: read('others.crt') });
writeFileSync(join(base, 'token.next'), issuer.token(EMAIL));
renameSync(join(base, 'token.next'), join(base, 'token'));
