import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { parseSpki } from '@chancery/core/spki';
import { afterEach, describe, expect, it } from 'vitest';
import { costOf } from './check-cost.ts';
import type { CheckError } from './check-error.ts';
import type { SignatureCheck } from './signature-check.ts';
import { createSignatureChecks, type SignatureChecksOptions } from './signature-checks.ts';

const message = Buffer.from('message');
const digest = createHash('sha256').update(message).digest();
const keys = {
	'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
	'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
	'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
};

function checkBy(curve: keyof typeof keys, over: SignatureCheck['over'] = { digest }): SignatureCheck {
	const { publicKey, privateKey } = keys[curve];
	return { key: verifierOf(publicKey), signature: sign('sha256', message, privateKey), hash: 'SHA2_256', over };
}

function verifierOf(key: KeyObject) {
	const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
	return { spki, info: parseSpki(spki) };
}

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
	await Promise.all(opened.splice(0).map((checks) => checks.close()));
});

function open(options: Partial<SignatureChecksOptions> = {}) {
	const checks = createSignatureChecks({ maxQueuedMs: 10_000, ...options });
	opened.push(checks);
	return checks;
}

const badThread = (name: string) => new URL(`../../test/threads/${name}.ts`, import.meta.url);
const codeOf = (outcome: PromiseSettledResult<boolean>) =>
	outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as CheckError).code;
const codesOf = async (checks: readonly Promise<boolean>[]) => (await Promise.allSettled(checks)).map(codeOf);
const many = (count: number, check: SignatureCheck) => Array.from({ length: count }, () => check);

describe.each([
	['on the event loop', 0],
	['in threads', 1],
	['in two threads', 2],
])('signature checks %s', (_, threads) => {
	it('say what each signature is worth', async () => {
		const { check } = open({ threads });
		const good = checkBy('P-256');
		const expected = [true, true, false, false, true, true];
		const round = () => [
			check(good),
			check({ ...good, over: { message } }),
			check({ ...good, over: { digest: digest.map((byte) => byte ^ 1) } }),
			check({ ...good, signature: new Uint8Array(3) }),
			check(checkBy('P-384')),
			check(checkBy('P-521', { message })),
		];
		expect(await Promise.all(round())).toEqual(expected);
		// One after the other as well, and again when a thread has been started.
		for (const [i, one] of round().entries()) expect(await one).toBe(expected[i]);
		const crowd = await Promise.all(Array.from({ length: 30 }, round).flat());
		expect(crowd).toEqual(Array(30).fill(expected).flat());
	});

	it.each(['shifted-key', 'noble'] as const)('use the backend %s when told so', async (backend) => {
		const checks = open({ threads, backend });
		expect(checks.status()).toMatchObject({ backend, threads });
		const good = checkBy('P-256');
		const bad = { ...good, over: { digest: digest.map((byte) => byte ^ 1) } };
		expect(await Promise.all([good, bad, good, bad].map(checks.check))).toEqual([true, false, true, false]);
	});

	it('are refused at once when the waiting work is too much, and are told when to come back', async () => {
		const one = checkBy('P-256');
		const checks = open({ threads, maxQueuedMs: 8 * costOf(one, 'noble').ms, backend: 'noble' });
		const outcomes = await Promise.allSettled(many(20, one).map(checks.check));
		const codes = outcomes.map(codeOf);
		// Three quarters of the bound are for everybody; the share of P-256 in the rest is less than one check.
		expect(codes).toEqual([...Array(6).fill(true), ...Array(14).fill('overloaded')]);
		expect((outcomes.at(-1) as PromiseRejectedResult).reason).toMatchObject({ retryAfterSeconds: 1 });
		expect(checks.status()).toMatchObject({ queuedMs: 0, refused: 14 });
		expect(await checks.check(one)).toBe(true);
	});

	it('are taken alone even when one costs more than the whole bound', async () => {
		const { check } = open({ threads, maxQueuedMs: 0.001 });
		expect(await check(checkBy('P-384'))).toBe(true);
	});

	it('are answered unavailable when the queue is closed, and never yes', async () => {
		const checks = open({ threads });
		const waiting = many(40, checkBy('P-384')).map(checks.check);
		const closing = checks.close();
		expect(new Set(await codesOf(waiting))).toEqual(new Set(['unavailable']));
		await closing;
		expect(await codesOf([checks.check(checkBy('P-256'))])).toEqual(['unavailable']);
	});
});

describe('a flood of one kind of checks', () => {
	it.each([0, 1])('leaves room and time for the other kinds (%i threads)', async (threads) => {
		const flood = checkBy('P-521');
		const checks = open({ threads, maxQueuedMs: 400 });
		// The thread is there before the flood, as in a log that has been running.
		await Promise.all(many(2, flood).map(checks.check));
		const order: string[] = [];
		const note = (name: string) => (value: boolean) => order.push(`${name} ${value}`);
		const floods = many(500, flood).map((one) => checks.check(one).then(note('flood'), () => 'refused'));
		const cheap = many(20, checkBy('P-256')).map((one) => checks.check(one).then(note('cheap')));
		await Promise.all(cheap);
		const floodsBefore = order.filter((entry) => entry === 'flood true').length;
		const outcomes = await Promise.all(floods);
		const accepted = outcomes.filter((outcome) => outcome !== 'refused').length;
		// It fills its bound and no more, and those that came after its first hundred are served among its first few.
		expect(accepted).toBeGreaterThan(50);
		expect(accepted).toBeLessThan(130);
		expect(order.filter((entry) => entry === 'cheap true')).toHaveLength(20);
		expect(floodsBefore).toBeLessThan(accepted / 4);
	});

	it('does not get more time by being of several kinds, each on its own', async () => {
		const checks = open({ threads: 1, maxQueuedMs: 2000 });
		const order: string[] = [];
		const kinds = ['P-384', 'P-521'] as const;
		const floods = kinds.flatMap((kind) =>
			many(120, checkBy(kind)).map((one) => checks.check(one).then(() => order.push(kind))),
		);
		await Promise.all(floods);
		// While both wait, the time is divided evenly: about two checks on P-384 for one on P-521.
		const half = order.slice(0, 120);
		const cheaper = half.filter((kind) => kind === 'P-384').length;
		expect(cheaper).toBeGreaterThan(70);
		expect(cheaper).toBeLessThan(95);
	});
});

describe('a thread that', () => {
	it.each([
		['crashes', 'crash', /could not stand/],
		['hangs', 'hang', /silent for 300 ms/],
		['says nonsense', 'babble', /no result/],
		['cannot start', 'stillborn', /cannot start here/],
	])('%s loses its checks, which are answered unavailable and never yes', async (_, name, loss) => {
		const checks = open({ threads: 1, threadModule: badThread(name), threadSilenceMs: name === 'hang' ? 300 : 10_000 });
		const dear = many(3, checkBy('P-384'));
		expect(await codesOf(dear.map(checks.check))).toEqual(Array(3).fill('unavailable'));
		expect(checks.status()).toMatchObject({ queuedMs: 0, lostThreads: 1, lastLoss: expect.stringMatching(loss) });
		// The next ones are lost as well, and by another thread: nothing waits for the first.
		expect(await codesOf(dear.map(checks.check))).toEqual(Array(3).fill('unavailable'));
		expect(checks.status().queuedMs).toBe(0);
	});

	it('crashes is replaced, and what it did not have is checked', async () => {
		const checks = open({ threads: 1, threadModule: badThread('poisoned') });
		const good = checkBy('P-384');
		const poison = { ...good, over: { digest: new Uint8Array(32).fill(0xee) } };
		expect(await Promise.all(many(4, good).map(checks.check))).toEqual(Array(4).fill(true));
		const outcomes = await codesOf([...many(30, good), poison, ...many(30, good)].map(checks.check));
		expect(outcomes[30]).toBe('unavailable');
		expect(outcomes).not.toContain(false);
		// Lost are those in the same batches; the others were checked by its successor.
		expect(outcomes.filter((outcome) => outcome === 'unavailable').length).toBeLessThan(10);
		expect(checks.status().lostThreads).toBe(1);
		expect(await Promise.all(many(4, good).map(checks.check))).toEqual(Array(4).fill(true));
	});

	it('cannot start leaves the cheap checks to the event loop', async () => {
		const checks = open({ threads: 1, threadModule: badThread('stillborn') });
		expect(await Promise.all(many(50, checkBy('P-256')).map(checks.check))).toEqual(Array(50).fill(true));
	});
});
