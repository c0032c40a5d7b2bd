/**
 * Every route that a service registers times every kind of bad input that applies to its shape, over HTTP against a
 * running instance: the status, media type and body of each answer, in time, and an instance that works as before.
 */
import { signBlob } from '@chancery/client/sign';
import { openTrustedRoot } from '@chancery/verify/trust-material';
import { parseSigningConfig } from '@chancery/wire/signing-config';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, describe, expect, it } from 'vitest';
import { adminExamples } from './admin-routes.ts';
import { caExamples } from './ca-routes.ts';
import { cellsOf } from './cases.ts';
import type { Acceptance, Cell, Example } from './cell.ts';
import { ctlogExamples } from './ctlog-routes.ts';
import { identityExamples } from './identity-routes.ts';
import { logV1Examples } from './log-v1-routes.ts';
import { logV2Examples } from './log-v2-routes.ts';
import { ANSWER_WITHIN_MS, type Answer } from './probe.ts';
import { readRegisteredRoutes } from './registered-routes.ts';
import { openSubject, readLog } from './subject.ts';
import { tsaExamples } from './tsa-routes.ts';
import { tufExamples } from './tuf-routes.ts';
import { expectRefusal } from './wires.ts';

const subject = openSubject('instance');
const foreign = openSubject('foreignInstance');
const loggedBefore = readLog(subject.data).length;
const registered = await readRegisteredRoutes();
const examples: Example[] = (
	await Promise.all([
		caExamples(subject, foreign),
		logV1Examples(subject),
		logV2Examples(subject),
		ctlogExamples(subject, foreign),
		tsaExamples(),
		tufExamples(subject),
		identityExamples(subject),
		adminExamples(subject),
	])
).flat();

let sent = 0;
let slowestMs = 0;
const serverErrors: string[] = [];

async function run(example: Example, cell: Cell, baseUrl: string): Promise<void> {
	const answer = await cell.send(baseUrl);
	sent++;
	slowestMs = Math.max(slowestMs, answer.ms);
	if (answer.status === 500) serverErrors.push(`${example.route}: ${cell.name}`);
	expect(answer.ms).toBeLessThan(ANSWER_WITHIN_MS);
	if (cell.expected === 'accepted') expectAccepted(answer, example.accepted);
	else if ('look' in cell.expected) expectAccepted(answer, cell.expected);
	else expectRefusal(answer, example.wire, cell.expected);
}

function expectAccepted(answer: Answer, accepted: Acceptance): void {
	expect(answer.status, answer.body.toString('utf8').slice(0, 400)).toBe(accepted.status);
	expect(answer.headers['content-type']).toBe(accepted.type);
	accepted.look(answer);
}

const routesOf = ({ service, listener, path, methods }: (typeof registered)[number]) =>
	methods
		.filter((method) => method !== 'HEAD' && method !== 'OPTIONS')
		.map((method) => `${service} ${listener} ${method} ${path}`);

/** A path may fit several patterns, and a method that one of them has is no wrong method. */
function methodsAt(listener: string, path: string): string[] {
	const concrete = path.replaceAll(/:[A-Za-z]+|\*/g, 'surprise');
	const fits = (pattern: string) =>
		new RegExp(
			`^${pattern
				.split(/(:[A-Za-z]+|\*)/)
				.map(asExpression)
				.join('')}$`,
		).test(concrete);
	return registered.flatMap((one) =>
		`${one.service} ${one.listener}` === listener && fits(one.path) ? one.methods : [],
	);
}

const asExpression = (part: string) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : RegExp.escape(part));

it('has an example for every registered route, and none for a route that is not there', () => {
	const routes = registered.flatMap(routesOf);
	expect(routes.length).toBeGreaterThan(60);
	expect([...new Set(examples.map(({ route }) => route))].sort()).toEqual(routes.sort());
});

describe.each(
	examples.map((example) => [`${example.route}${example.variant ? `, ${example.variant}` : ''}`, example] as const),
)('%s', (_name, example) => {
	const [service, listener, , path] = example.route.split(' ');
	const cells = cellsOf(example, methodsAt(`${service} ${listener}`, path ?? ''));
	const baseUrl = subject.listeners[`${service} ${listener}`] ?? '';

	it.each(cells.map((cell) => [cell.name, cell] as const))('%s', async (_cell, cell) => run(example, cell, baseUrl));
});

describe('afterwards', () => {
	it('no answer was a 500', () => {
		expect(serverErrors).toEqual([]);
	});

	it('no service has logged an error', () => {
		const errors = readLog(subject.data)
			.slice(loggedBefore)
			.filter(({ level }) => level === 'error' || level === 'fatal' || Number(level) >= 50);
		expect(errors).toEqual([]);
	});

	it.each([1, 2] as const)('the instance still signs and verifies with the v%i log', async (version) => {
		const artifact = Buffer.from(`signed after ${sent} requests`);
		const { bundle } = await signBlob(
			{ bytes: artifact },
			{
				signingConfig: parseSigningConfig(subject.signingConfig),
				trust: openTrustedRoot(subject.trustedRoot),
				identityToken: await subject.token('alice@example.com'),
				logApiVersions: [version],
				fetch,
				clock: Date.now,
				random: (n) => crypto.getRandomValues(new Uint8Array(n)),
			},
		);
		const judge = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(subject.trustedRoot)), {
			ctlogThreshold: 1,
			tlogThreshold: 1,
			timestampThreshold: 1,
		});
		judge.verify(toSignedEntity(bundleFromJSON(bundle as never), artifact), {
			subjectAlternativeName: 'alice@example.com',
		});
	});
});

afterAll(() => {
	console.log(
		`input matrix: ${registered.flatMap(routesOf).length} routes, ${examples.length} examples, ${sent} cells, slowest ${slowestMs.toFixed(0)} ms`,
	);
});
