import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { html } from './html.ts';
import { renderPage } from './page.ts';

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
		const { body, headers } = renderPage({ title: 'A & B', body: html`<p>text</p>` }, false);
		const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? '';
		const hash = createHash('sha256').update(style).digest('base64');
		expect(headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`);
		expect(headers['content-security-policy']).not.toMatch(/unsafe|script-src|\*/);
		expect(body).toContain('<title>A &amp; B</title>');
		expect(body).not.toContain('style="');
	});

	it('lets browsers tell its origin with its forms', () => {
		// `no-referrer` would turn the Origin of our own forms into null.
		expect(renderPage({ title: 'x', body: html`` }, false).headers['referrer-policy']).toBe('same-origin');
	});
});
