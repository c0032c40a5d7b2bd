/**
 * The two time types of ASN.1 in the forms that DER allows: UTC only, seconds always written.
 *
 *     UTCTime           YYMMDDHHMMSSZ          years 1950 to 2049 (RFC 5280 section 4.1.2.5.1)
 *     GeneralizedTime   YYYYMMDDHHMMSS[.f]Z    a fraction never ends in zero (X.690 section 11.7)
 */
import { calendarTime } from './calendar-time.ts';
import { FormatError } from './format-error.ts';

/** Below it a year of two digits has got into the type for four. */
const MIN_YEAR = 100;

/** Throws FormatError outside 1950 to 2049. */
export function formatUtcTime(time: Date): string {
	const year = time.getUTCFullYear();
	if (!(year >= 1950 && year < 2050)) throw new FormatError('UTCTime', 'the year is not 1950 to 2049');
	return formatGeneralizedTime(time).slice(2);
}

/** Whole seconds, rounded down. Throws FormatError outside the years 0 to 9999. */
export function formatGeneralizedTime(time: Date): string {
	const year = time.getUTCFullYear();
	if (!(year >= 0 && year <= 9999)) throw new FormatError('GeneralizedTime', 'the year does not have four digits');
	const day = (year * 100 + time.getUTCMonth() + 1) * 100 + time.getUTCDate();
	const clock = (time.getUTCHours() * 100 + time.getUTCMinutes()) * 100 + time.getUTCSeconds();
	return `${String(day * 1_000_000 + clock).padStart(14, '0')}Z`;
}

export function parseUtcTime(text: string): Date {
	if (!/^\d{12}Z$/.test(text)) throw new FormatError('UTCTime', 'not YYMMDDHHMMSSZ');
	return parseDigits(`${text < '5' ? '20' : '19'}${text.slice(0, 12)}`, 0);
}

/** A fraction is cut to milliseconds. */
export function parseGeneralizedTime(text: string): Date {
	const match = /^(\d{14})(?:\.(\d{0,30}[1-9]))?Z$/.exec(text);
	if (!match) throw new FormatError('GeneralizedTime', 'not YYYYMMDDHHMMSS[.f]Z');
	const [, digits = '', fraction = ''] = match;
	return parseDigits(digits, Number(fraction.slice(0, 3).padEnd(3, '0')));
}

function parseDigits(digits: string, millisecond: number): Date {
	const at = (from: number, to: number) => Number(digits.slice(from, to));
	const year = at(0, 4);
	if (year < MIN_YEAR) throw new FormatError('time', `the year is before ${MIN_YEAR}`);
	return calendarTime({
		year,
		month: at(4, 6),
		day: at(6, 8),
		hour: at(8, 10),
		minute: at(10, 12),
		second: at(12, 14),
		millisecond,
	});
}
