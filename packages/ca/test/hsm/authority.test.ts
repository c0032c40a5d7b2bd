/** An authority whose issuing key is in SoftHSM, opened as its configuration names it; openssl is the judge. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysSection, openConfiguredKey } from '@chancery/chassis/config/process-config';
import { encodePem } from '@chancery/core/pem';
import { type TestKeyType, TestToken } from '@chancery/testkit/softhsm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from '../client-key.ts';
import { startInstance, type TestInstance } from '../instance.ts';

let token: TestToken;
let ca: TestInstance | undefined;
beforeEach(() => {
	token = new TestToken();
});
afterEach(async () => {
	await ca?.close();
	token.close();
});

async function start(type: TestKeyType): Promise<TestInstance> {
	token.makeKey(type, 'issuing', '01');
	const env = { CA_PIN: token.pin };
	const keys = keysSection(env).parse({ issuing: { uri: token.uri('object=issuing'), pin: { env: 'CA_PIN' } } });
	const issuingSigner = await openConfiguredKey('ca', keys, 'issuing', true);
	ca = await startInstance({ issuingSigner });
	return ca;
}

async function requestCertificate({ people, publicApp }: TestInstance) {
	const person = { email: 'ada@example.com', email_verified: true };
	return publicApp.inject({
		method: 'POST',
		url: '/api/v2/signingCert',
		payload: keyRequest(generateClientKey('P-256'), person.email),
		headers: { authorization: `Bearer ${await people.mint(person)}` },
	});
}

describe.each<TestKeyType>(['EC:prime256v1', 'EC:secp384r1'])('a certificate authority with a key %s', (type) => {
	it('in a token issues what openssl verifies', async () => {
		const instance = await start(type);
		const response = await requestCertificate(instance);
		expect(response.statusCode, response.body).toBe(200);
		const [leaf] = response.json().signedCertificateEmbeddedSct.chain.certificates as string[];
		const at = (name: string, text: string) => {
			writeFileSync(join(token.folder, name), text);
			return join(token.folder, name);
		};
		const trust = ['-CAfile', at('root.pem', encodePem('CERTIFICATE', instance.chain.root))];
		const chain = ['-untrusted', at('issuing.pem', encodePem('CERTIFICATE', instance.chain.issuing))];
		const purpose = ['-purpose', 'any', '-attime', String(Math.floor(instance.nowMs / 1000) + 1)];
		const args = ['verify', ...purpose, ...trust, ...chain, at('leaf.pem', leaf!)];
		expect(execFileSync('openssl', args, { encoding: 'utf8' })).toContain('leaf.pem: OK');
	});
});

describe('a certificate authority whose token goes away', () => {
	it('answers signer-failed, without a word of the token, and issues again when it is back', async () => {
		const instance = await start('EC:prime256v1');
		token.remove();
		const refused = await requestCertificate(instance);
		expect(refused.statusCode).toBe(500);
		expect(refused.json().details).toMatchObject([{ reason: 'signer-failed' }]);
		expect(refused.body).not.toMatch(/pkcs11|module|token/i);
		token.insert();
		const deadline = performance.now() + 10_000;
		let status = 500;
		while (status !== 200 && performance.now() < deadline) status = (await requestCertificate(instance)).statusCode;
		expect(status).toBe(200);
	});
});
