import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseTrustedRoot, TRUSTED_ROOT_MEDIA_TYPE, type TrustedRootJson, trustedRoot } from './trusted-root.ts';

const ROOT: TrustedRootJson = {
	mediaType: TRUSTED_ROOT_MEDIA_TYPE,
	tlogs: [
		{
			baseUrl: 'https://log.test',
			hashAlgorithm: 'SHA2_256',
			publicKey: {
				rawBytes: 'AQID',
				keyDetails: 'PKIX_ED25519',
				validFor: { start: '2026-01-01T00:00:00Z', end: '2027-01-01T00:00:00Z' },
			},
			logId: { keyId: 'AQID' },
		},
	],
	certificateAuthorities: [
		{
			subject: { organization: 'test', commonName: 'ca' },
			uri: 'https://ca.test',
			certChain: { certificates: [{ rawBytes: 'AQID' }] },
			validFor: { start: '2026-01-01T00:00:00Z' },
		},
	],
	ctlogs: [],
	timestampAuthorities: [],
};

describe('a trusted root', () => {
	it('is read and written back as it was', () => {
		expect(z.encode(trustedRoot, parseTrustedRoot(ROOT))).toEqual(ROOT);
	});

	it('may hold what later versions add, and null', () => {
		const later = { ...ROOT, ctlogs: null, extra: 1, tlogs: [{ ...ROOT.tlogs?.[0], operator: 'x', extra: 1 }] };
		expect(parseTrustedRoot(later).tlogs[0]?.operator).toBe('x');
	});

	it.each([
		['another media type', { ...ROOT, mediaType: `x${TRUSTED_ROOT_MEDIA_TYPE}` }],
		[
			'the media type of a version that does not exist',
			{ ...ROOT, mediaType: 'application/vnd.dev.sigstore.trustedroot.v0.9+json' },
		],
		['a chain of nothing', { ...ROOT, timestampAuthorities: [{ certChain: { certificates: [] } }] }],
		['a log without a key', { ...ROOT, ctlogs: [{ ...ROOT.tlogs?.[0], publicKey: {} }] }],
		['a log without an id', { ...ROOT, ctlogs: [{ ...ROOT.tlogs?.[0], logId: {} }] }],
		['257 logs', { ...ROOT, tlogs: Array(257).fill(ROOT.tlogs?.[0]) }],
		['nothing', null],
	])('with %s is refused', (_what, value) => {
		expect(() => parseTrustedRoot(value)).toThrow(z.ZodError);
	});
});
