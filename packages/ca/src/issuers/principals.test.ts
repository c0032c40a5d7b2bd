import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { identify } from '../domain/principal.ts';
import { issuerSettings } from './issuer-types.ts';

interface FulcioRow {
	readonly type: 'spiffe' | 'kubernetes';
	readonly spiffeTrustDomain?: string;
	readonly claims: Readonly<Record<string, unknown>>;
	/** The name in the certificate; absent where Fulcio refuses. */
	readonly san?: string;
}

const rows = JSON.parse(
	readFileSync(new URL('testdata/fulcio-principals.json', import.meta.url), 'utf8'),
) as readonly FulcioRow[];

function certified({ claims, san: _san, ...settings }: FulcioRow): string {
	const parsed = issuerSettings.safeParse({ issuer: 'https://issuer.example', ...settings });
	if (!parsed.success) return 'settings';
	try {
		return identify({ settings: parsed.data, claims }).subject.value;
	} catch (error) {
		return (error as { code?: string }).code ?? String(error);
	}
}

const exactly = (text: string) => new RegExp(`^${RegExp.escape(text)}$`);

describe('the name of a workload of a SPIFFE domain', () => {
	const workloads = rows.filter(({ type }) => type === 'spiffe');

	it('is what Fulcio certifies, and refused where Fulcio refuses', () => {
		expect(workloads.filter(({ san }) => san !== undefined).length).toBeGreaterThan(200);
		for (const row of workloads) {
			const name = certified(row);
			// A domain that no certificate can hold is refused in the settings already.
			if (row.san === undefined)
				expect(name, JSON.stringify(row)).toMatch(/^(claim-missing|claim-malformed|settings)$/);
			else expect(name).toBe(row.san);
		}
	});

	it.each(['spiffe://a.prod.example.com/x', 'spiffe://example.com/x', 'spiffe://prod.example.com.evil.example/x'])(
		'is of the domain that its issuer speaks for: %s is not',
		(sub) => {
			const row = { type: 'spiffe', spiffeTrustDomain: 'prod.example.com', claims: { sub } } as const;
			expect(certified(row)).toBe('claim-malformed');
		},
	);
});

describe('the name of a service account', () => {
	const accounts = rows.filter(({ type }) => type === 'kubernetes');
	/** What Kubernetes accepts (RFC 1123), written down once more. */
	const mayBe = (text: unknown, maxChars: number, dots: boolean) =>
		typeof text === 'string' &&
		text.length <= maxChars &&
		(dots ? text.split('.') : [text]).every((label) => /^[a-z0-9-]+$/.test(label) && !/^-|-$/.test(label));

	it('is what Fulcio certifies, and refused where no cluster can have such a name', () => {
		let named = 0;
		for (const row of accounts) {
			const cluster = row.claims['kubernetes.io'] as { namespace: unknown; serviceaccount: { name: unknown } };
			const isName = mayBe(cluster.namespace, 63, false) && mayBe(cluster.serviceaccount.name, 253, true);
			if (isName) named++;
			expect(certified(row), JSON.stringify(row)).toMatch(isName ? exactly(row.san!) : /^claim-m(issing|alformed)$/);
		}
		expect(named).toBeGreaterThan(100);
	});

	it.each([
		{ name: 'no claim of a cluster', cluster: undefined, code: 'claim-missing' },
		{ name: 'text in its place', cluster: 'a', code: 'claim-malformed' },
		{ name: 'no account', cluster: { namespace: 'a' }, code: 'claim-missing' },
		{ name: 'an account that is text', cluster: { namespace: 'a', serviceaccount: 'b' }, code: 'claim-malformed' },
		{
			name: 'an inherited namespace',
			cluster: Object.assign(Object.create({ namespace: 'a' }), { serviceaccount: { name: 'b' } }),
			code: 'claim-missing',
		},
		{
			name: 'a namespace that spells an account of another',
			cluster: { namespace: 'a/serviceaccounts/b#', serviceaccount: { name: 'c' } },
			code: 'claim-malformed',
		},
	])('is not made of $name', ({ cluster, code }) => {
		expect(certified({ type: 'kubernetes', claims: { sub: 's', 'kubernetes.io': cluster } })).toBe(code);
	});
});
