/**
 * Times that come as text, each read in one way or not at all. `Date` moves 30 February into March and takes forms that
 * differ between engines; here a time must print back as it was read.
 *
 *     RFC 3339   2026-11-29T12:00:00[.f](Z|+hh:mm|-hh:mm)   capital letters, seconds written, up to nine digits of fraction
 *     OpenSSL    Nov 29 12:00:00 2026 GMT                   as OpenSSL and Node print the times of certificates
 *     HTTP       Sun, 29 Nov 2026 12:00:00 GMT              IMF-fixdate (RFC 9110 section 5.6.7), the form that servers send
 *
 * No other file makes a `Date` from text (`.ci/house.ts`). A leap second is refused, as Go refuses it: no clock that we
 * compare with has a 61st second.
 */
import { FormatError } from './format-error.ts';

/** As read from the text: the month counts from 1. */
export interface CalendarFields {
	readonly year: number;
	readonly month: number;
	readonly day: number;
	readonly hour: number;
	readonly minute: number;
	readonly second: number;
	readonly millisecond?: number;
}

/** Throws FormatError unless this second exists, in UTC and in the years 1 to 9999. */
export function calendarTime(fields: CalendarFields): Date {
	const { year, month, day, hour, minute, second, millisecond = 0 } = fields;
	const time = new Date(0);
	// Not `Date.UTC`, which reads the years below 100 as 19xx.
	time.setUTCFullYear(year, month - 1, day);
	time.setUTCHours(hour, minute, second, millisecond);
	const isSame =
		year >= 1 &&
		year <= 9999 &&
		time.getUTCFullYear() === year &&
		time.getUTCMonth() === month - 1 &&
		time.getUTCDate() === day &&
		time.getUTCHours() === hour &&
		time.getUTCMinutes() === minute &&
		time.getUTCSeconds() === second;
	if (!isSame) throw new FormatError('time', 'no such day or hour');
	return time;
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const MINUTE_MS = 60_000;

/** RFC 3339 section 5.6, as proto3 JSON takes it; a fraction is cut to milliseconds. Throws FormatError. */
export function parseRfc3339(text: string): Date {
	const match = RFC_3339.exec(text);
	if (!match) throw new FormatError('time', 'not YYYY-MM-DDTHH:MM:SSZ, nor that with a fraction or an offset');
	const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHours, offsetMinutes] = match;
	const time = calendarTime({
		year: Number(year),
		month: Number(month),
		day: Number(day),
		hour: Number(hour),
		minute: Number(minute),
		second: Number(second),
		millisecond: Number(fraction.slice(0, 3).padEnd(3, '0')),
	});
	if (sign === undefined) return time;
	const offsetMs = (60 * Number(offsetHours) + Number(offsetMinutes)) * MINUTE_MS;
	const moved = new Date(time.getTime() + (sign === '+' ? -offsetMs : offsetMs));
	if (!hasFourDigitYear(moved)) throw new FormatError('time', 'the offset leads out of the years 1 to 9999');
	return moved;
}

/** Whether `parseRfc3339` reads it. */
export function isRfc3339(text: string): boolean {
	try {
		parseRfc3339(text);
		return true;
	} catch (error) {
		if (error instanceof FormatError) return false;
		throw error;
	}
}

/** `YYYY-MM-DDTHH:MM:SSZ`, rounded down. Throws FormatError outside of the years 1 to 9999. */
export function formatRfc3339Seconds(time: Date): string {
	if (!hasFourDigitYear(time)) throw new FormatError('time', 'the year is not 1 to 9999');
	return `${time.toISOString().slice(0, 19)}Z`;
}

function hasFourDigitYear(time: Date): boolean {
	return time.getUTCFullYear() >= 1 && time.getUTCFullYear() <= 9999;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const OPENSSL = /^([A-Z][a-z]{2}) ([ 1-3]\d) (\d\d):(\d\d):(\d\d)(?:\.\d+)? (\d{4}) GMT$/;

/** As `X509Certificate.validFrom` says it; a fraction is passed over. Throws FormatError. */
export function parseOpensslTime(text: string): Date {
	const match = OPENSSL.exec(text);
	if (!match) throw new FormatError('time', 'not a time as OpenSSL prints it');
	const [, month = '', day, hour, minute, second, year] = match;
	return calendarTime({
		year: Number(year),
		month: MONTHS.indexOf(month) + 1,
		day: Number(day),
		hour: Number(hour),
		minute: Number(minute),
		second: Number(second),
	});
}

const IMF_FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;

/** An HTTP date (RFC 9110 section 5.6.7) without its two obsolete forms. Throws FormatError. */
export function parseHttpDate(text: string): Date {
	const match = IMF_FIXDATE.exec(text);
	if (!match) throw new FormatError('time', 'not an HTTP date such as Sun, 29 Nov 2026 12:00:00 GMT');
	const [, day, month = '', year, hour, minute, second] = match;
	const time = calendarTime({
		year: Number(year),
		month: MONTHS.indexOf(month) + 1,
		day: Number(day),
		hour: Number(hour),
		minute: Number(minute),
		second: Number(second),
	});
	// The day of the week is a second statement about the same day.
	if (!time.toUTCString().startsWith(text.slice(0, 3))) throw new FormatError('time', 'the day of the week is another');
	return time;
}
