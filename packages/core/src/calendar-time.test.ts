import { describe, expect, it } from 'vitest';
import { formatRfc3339Seconds, isRfc3339, parseHttpDate, parseOpensslTime, parseRfc3339 } from './calendar-time.ts';
import { FormatError } from './format-error.ts';

describe('an RFC 3339 time', () => {
	it.each([
		['2026-11-29T12:34:56Z', '2026-11-29T12:34:56.000Z'],
		['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
		['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
		['2026-11-29T12:34:56.7Z', '2026-11-29T12:34:56.700Z'],
		['2026-11-29T12:34:56.999999999Z', '2026-11-29T12:34:56.999Z'],
		['2026-11-29T12:34:56+01:30', '2026-11-29T11:04:56.000Z'],
		['2026-12-31T23:00:00-02:00', '2027-01-01T01:00:00.000Z'],
		['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
		['0099-12-31T00:00:00Z', '0099-12-31T00:00:00.000Z'],
		['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
	])('is read from %s', (text, iso) => {
		expect(parseRfc3339(text).toISOString()).toBe(iso);
	});

	it.each([
		['30 February', '2027-02-30T00:00:00Z'],
		['29 February of a common year', '2027-02-29T00:00:00Z'],
		['29 February of 2100', '2100-02-29T00:00:00Z'],
		['31 April', '2027-04-31T00:00:00Z'],
		['month 13', '2027-13-01T00:00:00Z'],
		['month 0', '2027-00-01T00:00:00Z'],
		['day 0', '2027-01-00T00:00:00Z'],
		['hour 24', '2027-01-01T24:00:00Z'],
		['minute 60', '2027-01-01T00:60:00Z'],
		['a leap second', '2026-12-31T23:59:60Z'],
		['year 0', '0000-01-01T00:00:00Z'],
		['a year of five digits', '12027-01-01T00:00:00Z'],
		['a signed year', '+002027-01-01T00:00:00Z'],
		['a day alone', '2027-01-01'],
		['no zone', '2027-01-01T00:00:00'],
		['no seconds', '2027-01-01T00:00Z'],
		['small letters', '2027-01-01t00:00:00z'],
		['a blank for T', '2027-01-01 00:00:00Z'],
		['ten digits of fraction', '2027-01-01T00:00:00.0000000001Z'],
		['a comma', '2027-01-01T00:00:00,5Z'],
		['an empty fraction', '2027-01-01T00:00:00.Z'],
		['an offset of 24 hours', '2027-01-01T00:00:00+24:00'],
		['an offset without a colon', '2027-01-01T00:00:00+0100'],
		['an offset into year 0', '0001-01-01T00:00:00+00:01'],
		['an offset into year 10000', '9999-12-31T23:59:59-00:01'],
		['a line end', '2027-01-01T00:00:00Z\n'],
		['Arabic digits', '٢٠٢٧-01-01T00:00:00Z'],
		['words', 'tomorrow'],
		['the form of HTTP', 'Fri, 01 Jan 2027 00:00:00 GMT'],
		['nothing', ''],
	])('is not %s', (_what, text) => {
		expect(() => parseRfc3339(text)).toThrow(FormatError);
		expect(isRfc3339(text)).toBe(false);
	});

	it('is read back as it was written, for every day of 400 years', () => {
		for (let day = Date.UTC(1999, 0, 1); day < Date.UTC(2400, 0, 1); day += 86_400_000) {
			const text = formatRfc3339Seconds(new Date(day + 999));
			expect(parseRfc3339(text).getTime()).toBe(day);
		}
		expect(() => formatRfc3339Seconds(new Date(Number.NaN))).toThrow(FormatError);
		expect(() => formatRfc3339Seconds(new Date(Date.UTC(10_000, 0, 1)))).toThrow(FormatError);
	});
});

describe('a time as OpenSSL prints it', () => {
	it.each([
		['Nov 29 12:34:56 2026 GMT', '2026-11-29T12:34:56.000Z'],
		['Nov  9 12:34:56 2026 GMT', '2026-11-09T12:34:56.000Z'],
		['Nov  9 12:34:56.5 2026 GMT', '2026-11-09T12:34:56.000Z'],
	])('is read from %s', (text, iso) => {
		expect(parseOpensslTime(text).toISOString()).toBe(iso);
	});

	it.each([
		'Bad time value',
		'Feb 30 00:00:00 2026 GMT',
		'Foo 29 12:34:56 2026 GMT',
		'Nov 29 12:34:56 2026',
		'Nov 29 24:00:00 2026 GMT',
		'',
	])('is not %j', (text) => {
		expect(() => parseOpensslTime(text)).toThrow(FormatError);
	});
});

describe('a time of HTTP', () => {
	it('is read from the form that servers send', () => {
		expect(parseHttpDate('Sun, 29 Nov 2026 12:34:56 GMT').toISOString()).toBe('2026-11-29T12:34:56.000Z');
		for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2029, 0, 1); day += 86_400_000)
			expect(parseHttpDate(new Date(day).toUTCString()).getTime()).toBe(day);
	});

	it.each([
		'Mon, 29 Nov 2026 12:34:56 GMT',
		'Mon, 30 Feb 2026 12:34:56 GMT',
		'Sun, 29 Nov 2026 24:00:00 GMT',
		'Sunday, 29-Nov-26 12:34:56 GMT',
		'Sun Nov 29 12:34:56 2026',
		'Sun, 29 Nov 2026 12:34:56 UTC',
		'tomorrow',
		'',
	])('is not %j', (text) => {
		expect(() => parseHttpDate(text)).toThrow(FormatError);
	});
});
