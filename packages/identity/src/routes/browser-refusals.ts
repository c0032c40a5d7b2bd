/**
 * What was refused, as a page: whatever a person's browser asked for, on a path of ours or on none. Programs, which do not ask
 * for HTML, get the problem document of the chassis.
 */
import type { RenderedError } from '@chancery/chassis/http/error-rendering';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { renderPage } from '../pages/page.ts';
import type { PageFrame } from '../pages/page-frame.ts';
import { refusalPage } from '../pages/refusal-page.ts';

/** Of RFC 9457, as the chassis writes it. */
const problem = z.object({ title: z.string(), detail: z.string() });

/** The last word on a refusal, for the listener. */
export function refusalsAsPages(frame: PageFrame) {
	return (rendered: RenderedError, request: FastifyRequest): RenderedError => {
		// Every browser names it when a person opens an address, and when a form is sent.
		if (!request.headers.accept?.includes('text/html')) return rendered;
		const { code, status } = rendered;
		const { title, detail } = WORDS[code] ?? problem.parse(JSON.parse(rendered.body));
		const page = refusalPage({ title, detail, code, status, requestId: request.id });
		const { body, headers } = renderPage(frame, page);
		return { ...rendered, headers: { ...rendered.headers, ...headers }, body };
	};
}

/** Where the words for programs say nothing to people. */
const WORDS: Readonly<Record<string, { readonly title: string; readonly detail: string }>> = {
	'not-found': { title: 'There is no such page', detail: 'Nothing has this address.' },
	'method-not-allowed': { title: 'This page cannot be opened like this', detail: 'Only programs use this address.' },
	internal: { title: 'Something went wrong here', detail: 'This service has failed; it is nothing that you did.' },
};
