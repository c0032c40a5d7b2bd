/** How a cell comes about: the example's own request, made anew, with one thing changed. */
import type { Cell, Example, Expected } from './cell.ts';
import { type ProbeRequest, send } from './probe.ts';

export type Change = (request: ProbeRequest) => ProbeRequest;

export function cell(name: string, request: () => Promise<ProbeRequest>, expected: Expected): Cell {
	return { name, expected, send: async (baseUrl) => send(baseUrl, await request()) };
}

export function changed(example: Example, name: string, change: Change, expected: Expected): Cell {
	return cell(name, async () => change(await example.request()), expected);
}
