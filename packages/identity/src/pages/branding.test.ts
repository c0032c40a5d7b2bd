import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brandingSchema } from './branding.ts';
import { contrastOf } from './colour.ts';
import { ACCENT, GROUNDS, INKS, LEAST_CONTRAST, ON_ACCENT, TONES, unreadable } from './palette.ts';

const THEMES = ['light', 'dark'] as const;

describe('contrast', () => {
	// The values that the understanding document of WCAG 1.4.3 and its calculators give.
	it.each([
		['#000000', '#ffffff', 21],
		['#ffffff', '#ffffff', 1],
		['#777777', '#ffffff', 4.48],
		['#767676', '#ffffff', 4.54],
		['#ff0000', '#ffffff', 4],
	])('of %s on %s is %d', (one, other, ratio) => {
		expect(contrastOf(one, other)).toBeCloseTo(ratio, 2);
		expect(contrastOf(other, one)).toBeCloseTo(ratio, 2);
	});

	it.each(THEMES)('of all our own text suffices in the %s theme', (theme) => {
		for (const ground of Object.values(GROUNDS))
			for (const ink of [INKS.ink, INKS.soft, ACCENT.text])
				expect(contrastOf(ink[theme], ground[theme])).toBeGreaterThanOrEqual(LEAST_CONTRAST);
		for (const { text, tint } of [...Object.values(TONES), ACCENT]) {
			expect(contrastOf(text[theme], tint[theme])).toBeGreaterThanOrEqual(LEAST_CONTRAST);
			expect(contrastOf(INKS.ink[theme], tint[theme])).toBeGreaterThanOrEqual(LEAST_CONTRAST);
		}
		// WCAG 1.4.11: what a control is recognized by.
		for (const ground of [GROUNDS.sheet, GROUNDS.paper])
			expect(contrastOf(INKS.edge[theme], ground[theme])).toBeGreaterThanOrEqual(3);
	});

	it.each(THEMES)('of the text on buttons suffices with any accent that is accepted in the %s theme', (theme) => {
		for (let grey = 0; grey < 256; grey++) {
			const colour = `#${grey.toString(16).padStart(2, '0').repeat(3)}`;
			const parsed = brandingSchema().safeParse({ accent: { light: '#2a4a8f', dark: '#a9beff', [theme]: colour } });
			if (parsed.success) expect(contrastOf(colour, ON_ACCENT[theme])).toBeGreaterThanOrEqual(LEAST_CONTRAST);
		}
	});

	it('of our own accent is judged as any other', () => {
		expect(unreadable(ACCENT)).toEqual([]);
	});
});

describe('branding', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'chancery-branding-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	const parse = (given: unknown) => brandingSchema().safeParse(given);
	const messages = (given: unknown) => parse(given).error?.issues.map(({ message }) => message) ?? [];

	function logo(name: string, bytes: string | Uint8Array): { logo: { file: string } } {
		const file = join(folder, name);
		writeFileSync(file, bytes);
		return { logo: { file } };
	}

	it('is nothing but a name when nothing is configured', () => {
		expect(parse(undefined).data).toEqual({ name: 'Chancery' });
	});

	it('takes an accent for each theme, and one that both can bear', () => {
		expect(parse({ accent: { light: '#0B625E', dark: '#7FD8D2' } }).data?.accent?.text).toEqual({
			light: '#0b625e',
			dark: '#7fd8d2',
		});
		expect(messages({ accent: '#2a4a8f' }).every((message) => message.includes('dark theme'))).toBe(true);
	});

	it('refuses an accent that cannot be read, and says how far it is from it', () => {
		expect(messages({ accent: { light: '#ffff00', dark: '#ffff00' } })).toContain(
			'#ffff00 on paper of the light theme (#f6f4ee) has a contrast of 1.02:1, and 4.5:1 is needed to read it',
		);
	});

	it.each([
		['a word', { accent: 'blue' }],
		['three digits', { accent: '#fff' }],
		['style', { accent: '#2a4a8f;}body{display:none' }],
		['one theme alone', { accent: { light: '#2a4a8f' } }],
		['no name', { name: ' ' }],
		['a name without end', { name: 'x'.repeat(61) }],
		['script as help', { helpUrl: 'javascript:alert(1)' }],
		['mail as privacy', { privacyUrl: 'mailto:a@example.com' }],
		['an unknown field', { html: '<b>' }],
	])('refuses %s', (_what, given) => {
		expect(parse(given).success).toBe(false);
	});

	const PNG = Buffer.concat([
		Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
		Buffer.from('000000c800000064', 'hex'),
	]);

	it.each([
		['a PNG', 'logo.bin', PNG, 'image/png', 2],
		['an SVG', 'logo', '<svg viewBox="0 0 120 40"/>', 'image/svg+xml', 3],
		[
			'an SVG with much before it',
			'l.svg',
			'\ufeff<?xml version="1.0"?>\n<!-- a --><!DOCTYPE svg>\n<svg/>',
			'image/svg+xml',
			1,
		],
		['an SVG as wide as no logo', 'w.svg', '<svg viewBox="0 0 9999 1"/>', 'image/svg+xml', 6],
	])('takes %s by its contents', (_what, name, bytes, mediaType, ratio) => {
		const given = logo(name, bytes);
		expect(parse(given).data?.logo).toMatchObject({ mediaType, ratio });
		expect(JSON.stringify(parse(given).data?.logo)).toBe(JSON.stringify({ file: given.logo.file }));
	});

	it.each([
		['HTML', '<!doctype html><html><svg></svg></html>', 'is neither a PNG nor an SVG'],
		['a JPEG', Buffer.from('ffd8ffe0', 'hex'), 'is neither a PNG nor an SVG'],
		['nothing', '', 'is neither a PNG nor an SVG'],
		['too much', `<svg>${' '.repeat(65_536)}</svg>`, 'has 65547 bytes; a logo has at most 65536'],
	])('refuses %s as a logo', (_what, bytes, words) => {
		expect(messages(logo('refused.svg', bytes))).toEqual([`the file ${join(folder, 'refused.svg')} ${words}`]);
	});

	it('refuses a logo that is no file, or is not there', () => {
		execFileSync('mkfifo', [join(folder, 'pipe')]);
		expect(messages({ logo: { file: join(folder, 'pipe') } })).toEqual([
			`the file ${join(folder, 'pipe')} is not a file`,
		]);
		expect(messages({ logo: { file: folder } })).toEqual([`the file ${folder} is not a file`]);
		expect(messages({ logo: { file: join(folder, 'none') } })).toEqual([
			`the file ${join(folder, 'none')} cannot be read (ENOENT)`,
		]);
	});
});
