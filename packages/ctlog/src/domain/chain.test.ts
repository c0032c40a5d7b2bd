import { derNull } from '@chancery/core/der';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import { generateSigner } from '@chancery/keys/file/generate';
import { verifySignature } from '@chancery/keys/verify-signature';
import { extension } from '@chancery/testkit/certificate';
import { beforeAll, describe, expect, it } from 'vitest';
import {
	CODE_SIGNING,
	certificate,
	IS_CA,
	leafPlan,
	makeAuthority,
	POISON,
	type TestAuthority,
} from '../../test/certificates.ts';
import { checkIssued, checkSelfSigned, parseChain } from './chain.ts';
import { checkEntryType } from './log-entry.ts';

let authority: TestAuthority;
let other: TestAuthority;
beforeAll(async () => {
	authority = await makeAuthority('ours');
	other = await makeAuthority('theirs');
});

const outcome = (work: () => unknown): unknown => {
	try {
		return work();
	} catch (error) {
		const { code, name, message } = error as Error & { code?: string };
		return `${code ?? name}: ${message}`;
	}
};

/** The question of the queue, asked at once. */
const check: CheckSignature = async (one) => {
	if (!('key' in one) || !('message' in one.over)) throw new Error('a chain is checked over messages');
	return verifySignature({
		publicKey: one.key.spki,
		message: one.over.message,
		signature: one.signature,
		hash: one.hash,
	});
};
const settled = (work: Promise<unknown>) => work.catch((error: Error) => error.message);

describe('checkSelfSigned and checkIssued', () => {
	it('tell a root from an intermediate', async () => {
		const [issuing, root] = parseChain([authority.issuing, authority.root]);
		expect(await settled(checkSelfSigned(root!, check))).toBeUndefined();
		expect(await settled(checkSelfSigned(issuing!, check))).toMatch(/is not a root/);
		expect(await settled(checkIssued(issuing!, root!, 0, check))).toBeUndefined();
	});

	it('do not take a certificate that names itself but is signed by another key', async () => {
		const signer = generateSigner('ecdsa-sha2-256-nistp256');
		const plan = { issuer: 'x', subject: 'x', signer, extensions: [IS_CA] };
		const [fake] = parseChain([await certificate({ ...plan, publicKey: other.issuingSigner.publicKey })]);
		expect(await settled(checkSelfSigned(fake!, check))).toMatch(/does not verify/);
	});
});

describe('checkEntryType', () => {
	const rows = [
		{ name: 'poison as it should be', extensions: [CODE_SIGNING, POISON], x509: /^wrong-endpoint/, precert: undefined },
		{ name: 'no poison', extensions: [CODE_SIGNING], x509: undefined, precert: /^wrong-endpoint/ },
		{
			name: 'poison that is not critical',
			extensions: [extension('1.3.6.1.4.1.11129.2.4.3', derNull())],
			x509: /^wrong-endpoint/,
			precert: /^malformed-poison/,
		},
		{
			name: 'poison with another value',
			extensions: [extension('1.3.6.1.4.1.11129.2.4.3', Uint8Array.of(5, 1, 0), true)],
			x509: /^wrong-endpoint/,
			precert: /^malformed-poison/,
		},
		{
			name: 'poison with bytes behind it',
			extensions: [extension('1.3.6.1.4.1.11129.2.4.3', Uint8Array.of(5, 0, 0), true)],
			x509: /^wrong-endpoint/,
			precert: /^malformed-poison/,
		},
	];
	it.each(rows)('decides on $name', async ({ extensions, x509, precert }) => {
		const [leaf] = parseChain([await certificate(leafPlan(authority, extensions))]);
		for (const [type, expected] of [
			['x509', x509],
			['precert', precert],
		] as const) {
			const result = outcome(() => checkEntryType(type, leaf!));
			if (expected === undefined) expect(result).toBeUndefined();
			else expect(result).toMatch(expected);
		}
	});

	it('refuses two poison extensions as malformed', async () => {
		const der = await certificate(leafPlan(authority, [POISON, POISON]));
		expect(outcome(() => parseChain([der]))).toMatch(/^malformed-certificate: .*twice/);
	});
});
