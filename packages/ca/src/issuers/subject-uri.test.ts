import { readFileSync } from 'node:fs';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { identify } from '../domain/principal.ts';
import { githubActions } from './github-actions.ts';
import { issuerSettings } from './issuer-types.ts';
import { subjectUri } from './subject-uri.ts';

interface GoSubject {
	readonly base: string;
	readonly ref: string;
	/** Absent where Go refuses, or loses the path. */
	readonly san?: string;
}

const { subjects, addresses } = JSON.parse(
	readFileSync(new URL('testdata/go-subjects.json', import.meta.url), 'utf8'),
) as { subjects: GoSubject[]; addresses: { email: string; accepted: boolean }[] };

const outcome = (work: () => string): string => {
	try {
		return work();
	} catch (error) {
		return (error as { code?: string }).code ?? String(error);
	}
};

describe('the name of a workflow in a certificate', () => {
	it('is what Go joins, for every character in every place, or is refused where Go refuses or resolves ..', () => {
		expect(subjects.length).toBeGreaterThan(2_500);
		for (const { base, ref, san } of subjects) {
			const isOurs = san === undefined || ref.split('/').includes('..') || /\p{Cc}/u.test(ref);
			expect(
				outcome(() => subjectUri(base, ref)),
				`${base} ${ref}`,
			).toBe(isOurs ? 'claim-malformed' : san);
		}
	});

	it('comes from the token in that form, and the extensions keep what the token says', () => {
		const { claims } = githubActions.examples[0]!;
		const plain = subjects.filter(({ base, ref, san }) => base === 'https://github.com' && san && !ref.includes('..'));
		for (const { base, ref, san } of plain.filter((_row, i) => i % 7 === 0)) {
			const settings = issuerSettings.parse({ type: 'github-actions', issuer: 'https://a.example', url: base });
			const named = { ...claims, job_workflow_ref: ref, workflow_ref: ref, repository: ref, ref };
			const { subject, extensions } = identify({ settings, claims: named });
			expect(subject).toEqual({ type: 'uri', value: san });
			expect(extensions).toMatchObject({
				buildSignerUri: `${base}/${ref}`,
				buildConfigUri: `${base}/${ref}`,
				sourceRepositoryUri: `${base}/${ref}`,
				sourceRepositoryRef: ref,
				githubWorkflowRef: ref,
				githubWorkflowRepository: ref,
			});
		}
	});

	it.each(['a\nb', 'a\u0000', 'a\u0085', 'a\ud800', '%', 'a%4', '%zz', '..', 'a/../b', '../a', 'a/..'])(
		'is refused for %j',
		(reference) => {
			expect(() => subjectUri('https://a.example', reference)).toThrow('claim-malformed');
		},
	);

	it.each([
		'https://a.example/',
		'https://a.example?x',
		'https://a.example#x',
		'https://u@a.example',
		'https://\u00e4.example',
		'ftp://a.example',
	])('does not begin with %s', (url) => {
		expect(() => subjectUri(url, 'a')).toThrow('base URL');
		expect(issuerSettings.safeParse({ type: 'github-actions', issuer: 'https://a.example', url }).success).toBe(false);
	});

	it('is ASCII without spaces, whatever text it came from', () => {
		const random = new SeededRandom(7);
		const alphabet = ['a', '%', '4', ' ', '#', '?', '/', '.', '\u00fc', '"', '\\', '@', ':', '\u{1f511}'];
		for (let i = 0; i < 2000; i++) {
			const reference = random.text(alphabet, random.below(12));
			expect(outcome(() => subjectUri('https://a.example', reference))).toMatch(/^(claim-malformed|[\x21-\x7e]+)$/);
		}
	});
});

describe('e-mail addresses', () => {
	const settings = issuerSettings.parse({ type: 'email', issuer: 'https://b.example' });
	const certified = (email: string) =>
		outcome(() => identify({ settings, claims: { sub: 's', email, email_verified: true } }).subject.value);

	it('are certified as they are or refused, and never where Go refuses', () => {
		expect(addresses.length).toBeGreaterThan(1_500);
		for (const { email, accepted } of addresses) {
			const value = certified(email);
			expect(value === email || value.startsWith('claim-'), email).toBe(true);
			if (!accepted) expect(value, email).toMatch(/^claim-/);
		}
	});

	it('that Go accepts are refused only for a quoted part, an unusual host, or one spelling too many', () => {
		const stricter = /\.\.|^"|[^\x20-\x7e]|@[^@]*[_~]|\.$|@[^@]*(-\.|\.-)|@-|@.*-$/;
		for (const { email, accepted } of addresses)
			if (accepted && !stricter.test(email)) expect(certified(email), email).toBe(email);
	});
});
