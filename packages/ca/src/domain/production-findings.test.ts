import { randomBytes } from 'node:crypto';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import { expect, it } from 'vitest';
import { createCaChain } from '../ca-chain.ts';
import { issuerSettings } from '../issuers/issuer-types.ts';
import { productionFindings } from './production-findings.ts';

async function chainPem(commonName: string): Promise<string> {
	const { issuing, root } = await createCaChain({
		rootSigner: generateSigner('ecdsa-sha2-256-nistp256'),
		issuingSigner: generateSigner('ecdsa-sha2-256-nistp256'),
		organization: 'Tests',
		commonName,
		notBefore: new Date(Date.UTC(2026, 0, 1)),
		random: (n) => new Uint8Array(randomBytes(n)),
	});
	return encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root);
}

const GITHUB = { type: 'github-actions', issuer: 'https://token.actions.githubusercontent.com' };
const PRIVATE = { type: 'email', issuer: 'https://login.example' };

it.each<[string, object, string[], string?, string?]>([
	['a private provider', PRIVATE, []],
	['a public CI with a claim rule', { ...GITHUB, rules: [{ claim: 'repository_owner', anyOf: ['octo-org'] }] }, []],
	['a public CI', GITHUB, ['global-issuers']],
	['a subdomain of a public CI', { type: 'email', issuer: 'https://x.gitlab.com' }, ['global-issuers']],
	['an issuer without TLS', { type: 'email', issuer: 'http://login.example' }, ['plain-issuers']],
	['addresses that nobody has verified', { ...PRIVATE, skipEmailVerification: true }, ['unverified-email']],
	['an address without TLS', PRIVATE, ['plain-urls'], 'http://ca.example'],
	['a marked chain', PRIVATE, ['development-data', 'development-data'], 'https://ca.example', 'development CA'],
])('finds what production does not start with: %s', async (_what, issuer, exceptions, publicUrl, commonName) => {
	const findings = productionFindings({
		publicUrl: publicUrl ?? 'https://ca.example',
		chainPem: await chainPem(commonName ?? 'authority'),
		issuers: [issuerSettings.parse(issuer)],
	});
	expect(findings.map(({ exception }) => exception)).toEqual(exceptions);
});
