import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { html } from './html.ts';
import { type Page, renderPage } from './page.ts';
import { createPageFrame } from './page-frame.ts';

const WHERE = { publicUrl: 'https://id.example.com', isDevelopment: false } as const;
const FRAME = createPageFrame({ name: 'Example' }, WHERE);
const PAGE: Page = { title: 'A & B', word: 'word', tone: 'ask', sign: 'key', body: html`<p>text</p>` };

describe('html', () => {
	it('escapes whatever is put in, in text and in attributes', () => {
		const evil = `<img src=x onerror="alert('1')">&amp;`;
		expect(html`<p title="${evil}">${evil}</p>`.text).toBe(
			'<p title="&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;">&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;</p>',
		);
	});

	it('takes in HTML as it is, alone and in lists', () => {
		const item = (n: number) => html`<li>${n}</li>`;
		expect(html`<ul>${[item(1), item(2)]}</ul>${html`<br>`}`.text).toBe('<ul><li>1</li><li>2</li></ul><br>');
	});
});

describe('a page', () => {
	it('names its style sheet by hash, so that no other style or script can run', () => {
		const { body, headers } = renderPage(FRAME, PAGE);
		const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? '';
		const hash = createHash('sha256').update(style).digest('base64');
		expect(headers['content-security-policy']).toBe(
			`default-src 'none'; style-src 'sha256-${hash}'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
		);
		expect(body).toContain('<title>A &amp; B - Example</title>');
		expect(body).not.toContain('style="');
	});

	it('lets browsers tell its origin with its forms', () => {
		// `no-referrer` would turn the Origin of our own forms into null.
		expect(renderPage(FRAME, PAGE).headers['referrer-policy']).toBe('same-origin');
	});

	it('is kept by nobody, framed by nobody, and shares no process with other sites', () => {
		expect(renderPage(FRAME, PAGE).headers).toMatchObject({
			'cache-control': 'no-store',
			'x-frame-options': 'DENY',
			'x-content-type-options': 'nosniff',
			'cross-origin-opener-policy': 'same-origin',
			'cross-origin-resource-policy': 'same-origin',
		});
	});

	it('says of a development instance what it is worth, and of no other', () => {
		const development = createPageFrame({ name: 'Example' }, { ...WHERE, isDevelopment: true });
		expect(renderPage(development, PAGE).body).toContain('Development instance.');
		expect(renderPage(FRAME, PAGE).body).not.toContain('Development instance.');
	});

	it('shows what whoever runs the service configured, as text', () => {
		const frame = createPageFrame(
			{
				name: 'A<b>',
				notice: '<script>alert(1)</script>',
				helpUrl: 'mailto:a@b.example?subject="x"',
				privacyUrl: 'https://x.example/?a&b',
			},
			WHERE,
		);
		const { body } = renderPage(frame, PAGE);
		expect(body).toContain('<p class="name">A&lt;b&gt;</p><p class="host">id.example.com</p>');
		expect(body).toContain('&lt;script&gt;');
		expect(body).not.toContain('<script');
		expect(body).toContain('href="mailto:a@b.example?subject=&quot;x&quot;"');
		expect(body).toContain('href="https://x.example/?a&amp;b"');
	});
});
