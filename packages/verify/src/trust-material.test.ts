import { toBase64 } from '@chancery/core/bytes';
import { describe, expect, it } from 'vitest';
import { IssuingAuthority } from '../test/issuing-authority.ts';
import { type Path, withMember } from '../test/json-path.ts';
import { isWithin, openTrustedRoot, timeToString } from './trust-material.ts';
import { VerifyError } from './verify-error.ts';

const { trustedRoot, v1, tsa } = new IssuingAuthority();
const PERIOD: Path = ['tlogs', 0, 'publicKey', 'validFor'];

describe('a trusted root', () => {
	it('is opened with keys, certificates and periods', () => {
		const trust = openTrustedRoot(trustedRoot);
		expect(trust.tlogs[0]).toEqual({
			baseUrl: 'https://rekor.test',
			hostNames: ['rekor.test'],
			publicKey: v1.key.spki,
			logId: v1.logId,
			validity: { start: new Date('2026-01-01T00:00:00Z'), end: undefined },
		});
		expect(trust.timestampAuthorities[0]?.certificates[0].der).toEqual(tsa);
		expect(trust.certificateAuthorities).toHaveLength(1);
		expect(trust.ctlogs).toHaveLength(1);
	});

	it.each([
		'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
		'application/vnd.dev.sigstore.trustedroot.v0.1+json',
		'application/vnd.dev.sigstore.trustedroot.v0.2+json',
	])('of type %s is read', (mediaType) => {
		expect(openTrustedRoot({ ...trustedRoot, mediaType }).tlogs).toHaveLength(2);
	});

	it('may be empty: then nothing is trusted', () => {
		const { mediaType } = trustedRoot;
		const empty = { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] };
		expect(openTrustedRoot({ mediaType })).toEqual(empty);
		expect(openTrustedRoot({ mediaType, tlogs: null, unknown: 1 })).toEqual(empty);
	});

	it.each([
		['another media type', ['mediaType'], 'application/json'],
		['a later version', ['mediaType'], 'application/vnd.dev.sigstore.trustedroot.v0.3+json'],
		['a log without a start', PERIOD, {}],
		['a log without a period', PERIOD, undefined],
		['a log without an id', ['tlogs', 0, 'logId', 'keyId'], ''],
		['a log with another hash', ['tlogs', 0, 'hashAlgorithm'], 'SHA2_512'],
		['a log without a hash', ['tlogs', 0, 'hashAlgorithm'], undefined],
		['a log that is nowhere', ['tlogs', 0, 'baseUrl'], ''],
		['a log at no URL', ['ctlogs', 0, 'baseUrl'], 'https://'],
		['a start that is no time', [...PERIOD, 'start'], 'yesterday'],
		['a start without a zone', [...PERIOD, 'start'], '2026-01-01T00:00:00'],
		['a day that does not exist', [...PERIOD, 'end'], '2026-02-30T00:00:00Z'],
		['a key that is not base64', ['tlogs', 0, 'publicKey', 'rawBytes'], 'MFkw_'],
		['an authority without certificates', ['certificateAuthorities', 0, 'certChain', 'certificates'], []],
		['a certificate that is none', ['timestampAuthorities', 0, 'certChain', 'certificates', 1, 'rawBytes'], 'AAAA'],
		['a list that is none', ['ctlogs'], {}],
	] satisfies [string, Path, unknown][])('with %s is refused whole', (_what, path, value) => {
		const open = () => openTrustedRoot(withMember(trustedRoot, path, value));
		expect(open).toThrow(VerifyError);
		expect(open).toThrow(expect.objectContaining({ code: 'trusted-root-malformed' }));
	});

	it.each([null, undefined, 1, 'x', [], {}])('is not %j', (value) => {
		expect(() => openTrustedRoot(value)).toThrow(VerifyError);
	});

	it.each([
		['https://log.test/path', ['log.test']],
		['https://log.test:443', ['log.test']],
		['http://log.test:3000', ['log.test', 'log.test:3000']],
		['log.test', ['log.test']],
		['log.test:3000', ['log.test', 'log.test:3000']],
		['https://[::1]:3000', ['[::1]', '[::1]:3000']],
	])('lets the log at %s sign as %j', (baseUrl, hostNames) => {
		expect(openTrustedRoot(withMember(trustedRoot, ['tlogs', 0, 'baseUrl'], baseUrl)).tlogs[0]?.hostNames).toEqual(
			hostNames,
		);
	});

	it('bounds an authority without a period by its certificates alone', () => {
		const root = withMember(trustedRoot, ['certificateAuthorities', 0, 'validFor'], undefined);
		expect(openTrustedRoot(root).certificateAuthorities[0]?.validity).toEqual({ start: new Date(0), end: undefined });
	});

	it('keeps the whole log id, whatever its length', () => {
		const root = withMember(trustedRoot, ['tlogs', 0, 'logId', 'keyId'], toBase64(Uint8Array.of(1, 2, 3)));
		expect(openTrustedRoot(root).tlogs[0]?.logId).toEqual(Uint8Array.of(1, 2, 3));
	});
});

describe('a period', () => {
	const period = { start: new Date(1000), end: new Date(2000) };
	it.each([
		[999, false],
		[1000, true],
		[2000, true],
		[2001, false],
		[Number.NaN, false],
	])('from 1000 to 2000 holds %d: %s', (time, isInside) => {
		expect(isWithin(period, new Date(time))).toBe(isInside);
	});

	it('without an end holds everything later, but no time that does not exist', () => {
		const open = { start: new Date(1000), end: undefined };
		expect(isWithin(open, new Date(8.64e15))).toBe(true);
		expect(isWithin(open, new Date(Number.NaN))).toBe(false);
		expect(timeToString(new Date(Number.NaN))).toBe('a time that does not exist');
	});
});
