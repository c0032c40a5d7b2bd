import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fromBase64, fromUtf8, toBase64, toHex } from '@chancery/core/bytes';
import { hashLeaf } from '@chancery/core/merkle';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { SearchTerm } from '@chancery/wire/entries/search-terms';
import { createEntryRequest } from '@chancery/wire/rekor-v2';
import { describe, expect, it } from 'vitest';
import { signedEntryTimestampPayload } from '../signed-entry-timestamp.ts';
import { admitV1, admitV2 } from './enabled-kinds.ts';

interface RealEntry {
	tlogEntry: { canonicalizedBody: string; logIndex: string; integratedTime?: string; logId: { keyId: string } };
	dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string }[] };
}
type Name = 'hashedrekordV001' | 'dsseV001' | 'hashedrekordV002' | 'dsseAsHashedrekordV002';
const real = JSON.parse(readFileSync(new URL('../testdata/real-entries.json', import.meta.url), 'utf8')) as Record<
	Name,
	RealEntry
>;

const { check } = createSignatureChecks({ maxQueuedMs: 60_000 });
const bodyOf = (name: Name) => fromBase64(real[name].tlogEntry.canonicalizedBody);
const textOf = (name: Name) => fromUtf8(bodyOf(name));
const values = (terms: readonly SearchTerm[], kind: string) =>
	terms.filter((term) => term.kind === kind).map((term) => term.value);

describe('leaves of public logs, made again from what was submitted', () => {
	it('hashedrekord 0.0.1 gives the same bytes, leaf hash and index keys', async () => {
		const body = JSON.parse(textOf('hashedrekordV001'));
		const { leaf, searchTerms } = await admitV1(body, check);
		expect(fromUtf8(leaf)).toBe(textOf('hashedrekordV001'));
		expect(toHex(hashLeaf(leaf))).toBe('251d7335e207fb694536143ecff500072df1cae8f388a9c181794f31e1b2d42e');
		expect(values(searchTerms, 'key')).toEqual(['be23225356911668bb870173733013d2211ec0ed0a3738ee7b74de1e20bcf5d7']);
		expect(values(searchTerms, 'hash')).toEqual([
			'sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf',
		]);
	});

	it('dsse 0.0.1 keeps the hashes of the envelope as sent and the verifier of its signature', async () => {
		const body = JSON.parse(textOf('dsseV001'));
		const { payload, payloadType, signatures } = real.dsseV001.dsseEnvelope!;
		const envelope = JSON.stringify({ payload, payloadType, signatures });
		const verifiers = body.spec.signatures.map((signature: { verifier: string }) => signature.verifier);
		const proposal = { kind: 'dsse', apiVersion: '0.0.1', spec: { proposedContent: { envelope, verifiers } } };

		const { leaf, searchTerms } = await admitV1(proposal, check);
		expect(fromUtf8(leaf)).toBe(textOf('dsseV001'));
		expect(toHex(hashLeaf(leaf))).toBe('875d33538d49eb9bc3224c4868c25d06f78f566730771c4437f50962530906ae');
		expect(values(searchTerms, 'subject')).toEqual([
			expect.stringMatching(/^https:\/\/github\.com\/.*\/\.github\/workflows\/.*@refs\/heads\/main$/),
		]);
		expect(values(searchTerms, 'issuer')).toEqual(['https://token.actions.githubusercontent.com']);
		const subject = JSON.parse(fromUtf8(fromBase64(payload))).subject[0].digest;
		const [algorithm, digest] = Object.entries(subject)[0]!;
		expect(values(searchTerms, 'hash')).toContain(`${algorithm}:${digest}`);
		expect(values(searchTerms, 'hash')).toContain(`sha256:${body.spec.payloadHash.value}`);

		const spaced = { ...proposal, spec: { proposedContent: { envelope: `${envelope}\n`, verifiers } } };
		expect((await admitV1(spaced, check)).leaf).not.toEqual(leaf);
	});

	it('hashedrekord 0.0.2 gives the same bytes from the request', async () => {
		const { data, signature } = JSON.parse(textOf('hashedrekordV002')).spec.hashedRekordV002;
		const request = createEntryRequest.parse({ hashedRekordRequestV002: { digest: data.digest, signature } });
		const { leaf, kind, version } = await admitV2(request, check);
		expect(fromUtf8(leaf)).toBe(textOf('hashedrekordV002'));
		expect([kind, version]).toEqual(['hashedrekord', '0.0.2']);
		expect(toHex(hashLeaf(leaf))).toBe('78470eff2921878c2141726b650bf349099c37850a731f287a6accf35d40441f');
	});

	it('a DSSE request is logged as the hashedrekord over its encoding, as public logs have it', async () => {
		const { signature } = JSON.parse(textOf('dsseAsHashedrekordV002')).spec.hashedRekordV002;
		const { payload, payloadType, signatures } = real.dsseAsHashedrekordV002.dsseEnvelope!;
		const request = createEntryRequest.parse({
			dsseRequestV002: { envelope: { payload, payloadType, signatures }, verifiers: [signature.verifier] },
		});
		const { leaf, kind, version, searchTerms } = await admitV2(request, check);
		expect(fromUtf8(leaf)).toBe(textOf('dsseAsHashedrekordV002'));
		expect([kind, version]).toEqual(['hashedrekord', '0.0.2']);
		const payloadHash = createHash('sha256').update(Buffer.from(payload, 'base64')).digest('hex');
		expect(values(searchTerms, 'hash')).toContain(`sha256:${payloadHash}`);
	});
});

describe('the text that a SET signs', () => {
	it.each([
		['hashedrekordV001', 879, 'e398750bc17b62cac442860d3c90183c6abcdccb452525e52e9722e3d0f96b28'],
		['dsseV001', 5847, '8dd8455ca636b676808bfc1bd29f77dab7bc80c7cb196eebb4ec2133829204c5'],
	] as const)('is the one of the public log for %s', (name, length, hash) => {
		const { logIndex, integratedTime, logId } = real[name].tlogEntry;
		const payload = signedEntryTimestampPayload(fromBase64(logId.keyId), {
			index: Number(logIndex),
			timestampMs: Number(integratedTime) * 1000 + 999,
			leaf: bodyOf(name),
		});
		expect(payload.length).toBe(length);
		expect(createHash('sha256').update(payload).digest('hex')).toBe(hash);
		expect(toBase64(payload)).not.toContain(' ');
	});
});
