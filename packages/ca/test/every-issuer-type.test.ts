/**
 * The examples of every issuer type as tokens of a running provider: each gets a certificate with its name and extensions.
 */
import { parseCertificate, subjectAltNames } from '@chancery/core/certificate';
import { readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { parsePem } from '@chancery/core/pem';
import { startTokenIssuer, type TokenIssuer } from '@chancery/testkit/token-issuer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ISSUER_TYPES } from '../src/issuers/issuer-types.ts';
import { generateClientKey, keyRequest } from './client-key.ts';
import { startInstance, type TestInstance } from './instance.ts';

const EXAMPLES = ISSUER_TYPES.flatMap((type) =>
	type.examples.map((example) => ({ ...example, type, id: `${type.name} ${example.name}` })),
);

/** One provider for each example, since each has settings of its own. */
const providers = new Map<string, TokenIssuer>();
let ca: TestInstance;

beforeAll(async () => {
	for (const { id } of EXAMPLES) providers.set(id, await startTokenIssuer(() => ca.nowMs));
	ca = await startInstance({
		moreIssuers: EXAMPLES.map(({ id, type, settings }) => ({
			...settings,
			type: type.name,
			issuer: providers.get(id)?.url,
		})),
	});
});
afterAll(async () => {
	await ca.close();
	for (const provider of providers.values()) await provider.close();
});

async function certificateFor(provider: TokenIssuer, claims: Record<string, unknown>, challenge: string) {
	const payload = keyRequest(generateClientKey(), challenge, await provider.mint(claims));
	const response = await ca.publicApp.inject({ method: 'POST', url: '/api/v2/signingCert', payload });
	expect(response.statusCode, response.body).toBe(200);
	const [pem] = response.json().signedCertificateEmbeddedSct.chain.certificates as [string];
	return parseCertificate(parsePem(pem)[0]!.der);
}

describe('a token of the type', () => {
	it.each(EXAMPLES)('$id gets a certificate with its name and extensions', async (example) => {
		const { id, type, settings, expect: wanted } = example;
		const provider = providers.get(id)!;
		// The provider's own URL and audience stand in the place of those of the example.
		const { iss: _iss, aud: _aud, ...claims } = example.claims;
		const certificate = await certificateFor(provider, claims, String(claims[type.challengeClaim]));

		const { subject, issuer } = wanted;
		expect(subjectAltNames(certificate)).toEqual([expect.objectContaining(subject)]);
		const vouching = issuer === settings.issuer ? provider.url : issuer;
		expect(readFulcioExtensions(certificate)).toEqual({
			...wanted.extensions,
			issuer: vouching,
			issuerV2: vouching,
			subject: claims.sub,
		});
	});
});
