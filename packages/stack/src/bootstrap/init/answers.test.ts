import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseAnswers } from './answers.ts';
import { askAnswers } from './ask-answers.ts';
import { EXAMPLES } from './example-answers.ts';

const example = () => parse(EXAMPLES.development);
const withUrl = (url: string) => ({ ...example(), urls: { ...example().urls, identity: url } });

describe('a login that believes any address', () => {
	it('is for loopback', () => {
		expect(parseAnswers(example(), '/').identity).toEqual({ developmentLogin: true });
	});

	it.each([
		['when the services listen everywhere', { ...example(), listen: { host: '0.0.0.0' } }, '0.0.0.0'],
		['under a name that leads anywhere', withUrl('http://dev.example.com:7401'), 'dev.example.com'],
	])('needs a secret %s', (_where, answers, host) => {
		expect(() => parseAnswers(answers, '/')).toThrow(`${host} is not; if you mean it, write with-secret`);
		const named = { ...answers, identity: { developmentLogin: 'with-secret' } };
		expect(parseAnswers(named, '/').identity).toEqual({ developmentLogin: 'with-secret' });
	});

	it.each([
		['localhost', true],
		['dev.example.com', 'with-secret'],
	] as const)('is what it can be under the name %s, when init asks', async (host, login) => {
		const answered = await askAnswers({
			one: async (_message, choices) => Object.keys(choices).find((name) => name === 'development') as never,
			text: async (message, { usual, example: shown }) =>
				message.startsWith('Host name') ? host : (usual ?? shown ?? ''),
			yesNo: async (_message, usual) => usual,
			some: async (_message, choices) => [...choices],
			tell: () => undefined,
		});
		expect(answered.identity).toEqual({ developmentLogin: login });
	});
});
