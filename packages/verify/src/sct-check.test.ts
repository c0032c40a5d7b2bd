import { toBase64 } from '@chancery/core/bytes';
import { derOctetString } from '@chancery/core/der';
import { extension } from '@chancery/testkit/certificate';
import { describe, expect, it } from 'vitest';
import { type CertificateRecipe, SCT_LIST_OID, type SctRecipe, sha256 } from '../test/certificates.ts';
import { copyOf, IssuingAuthority, SIGNED_AT } from '../test/issuing-authority.ts';
import { makeKey } from '../test/keys.ts';
import { expectRefusal } from '../test/refusals.ts';

const authority = new IssuingAuthority();
const verifyWith = async (
	scts: (sct: SctRecipe) => readonly SctRecipe[],
	trustedRoot: unknown = authority.trustedRoot,
) => authority.verify(await authority.sign({ scts }), { trustedRoot });
const withExtension = (value: Uint8Array) => (leaf: CertificateRecipe) => ({
	...leaf,
	extensions: [...leaf.extensions, extension(SCT_LIST_OID, value)],
});

describe('embedded signed certificate timestamps', () => {
	it('are needed: none is refused', async () => {
		await expectRefusal(
			verifyWith(() => []),
			'sct-invalid',
			/no signed certificate timestamp/,
		);
	});

	it('may be several, each of which must be good', async () => {
		const { scts } = await verifyWith((sct) => [sct, { ...sct, timeMs: sct.timeMs + 1 }]);
		expect(scts).toHaveLength(2);
		const stranger = makeKey();
		await expectRefusal(
			verifyWith((sct) => [sct, { ...sct, log: stranger }]),
			'sct-invalid',
			/not trusted/,
		);
		await expectRefusal(
			verifyWith((sct) => [{ ...sct, log: stranger }, sct]),
			'sct-invalid',
			/not trusted/,
		);
	});

	it.each([
		['over another certificate', (sct) => [{ ...sct, issuerKey: makeKey().spki }]],
		[
			'by a stranger in the name of the log',
			(sct) => [{ ...sct, log: makeKey(), logId: sha256(authority.ctKey.spki) }],
		],
	] satisfies [string, (sct: SctRecipe) => SctRecipe[]][])('%s are refused', async (_what, scts) => {
		await expectRefusal(verifyWith(scts), 'sct-invalid', /does not verify/);
	});

	it('must be made while the key was in use, both ends included', async () => {
		const trustedRoot = copyOf(authority.trustedRoot);
		const [log] = trustedRoot.ctlogs ?? [];
		const [start, end] = ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'];
		Object.assign(log!.publicKey, { validFor: { start, end } });
		for (const [time, isGood] of [
			[Date.parse(start), true],
			[Date.parse(end), true],
			[Date.parse(start) - 1, false],
			[Date.parse(end) + 1, false],
			[Number.MAX_SAFE_INTEGER, false],
		] as const) {
			const attempt = verifyWith((sct) => [{ ...sct, timeMs: time }], trustedRoot);
			if (isGood) expect((await attempt).scts).toEqual([{ logUrl: 'https://ct.test', time: new Date(time) }]);
			else await expectRefusal(attempt, 'sct-invalid', /not in use at/);
		}
	});

	it('may come from one of several instances with the same key', async () => {
		const trustedRoot = copyOf(authority.trustedRoot);
		const [log] = trustedRoot.ctlogs ?? [];
		const later = copyOf(log!);
		later.publicKey.validFor = { start: '2027-01-01T00:00:00Z' };
		await verifyWith((sct) => [sct], { ...trustedRoot, ctlogs: [later, log] });
	});

	it('are not taken from signature logs', async () => {
		const trustedRoot = copyOf(authority.trustedRoot);
		trustedRoot.tlogs?.push(...(trustedRoot.ctlogs ?? []));
		await expectRefusal(
			verifyWith((sct) => [sct], { ...trustedRoot, ctlogs: [] }),
			'sct-invalid',
			/not trusted/,
		);
	});

	it('in two lists make a certificate that cannot be read', async () => {
		const bundle = await authority.sign({ leaf: withExtension(derOctetString(Uint8Array.of(0, 0))) });
		await expectRefusal(authority.verify(bundle), 'bundle-malformed', /stands twice/);
	});

	it.each(['', '0400', '04020000', '040400020000', '0403000100', '30020000'])(
		'are refused as a list that is malformed: %s',
		async (hex) => {
			const leaf = withExtension(Uint8Array.fromHex(hex));
			await expectRefusal(authority.verify(await authority.sign({ leaf, scts: () => [] })), 'sct-invalid', /malformed/);
		},
	);

	it('prove their time, and not that of the signature', async () => {
		const { times } = await verifyWith((sct) => [{ ...sct, timeMs: SIGNED_AT.getTime() - 86_400_000 }]);
		expect(times.map(({ time }) => time)).toEqual([SIGNED_AT]);
		expect(toBase64(sha256(authority.ctKey.spki))).toBe(authority.trustedRoot.ctlogs?.[0]?.logId.keyId);
	});
});
