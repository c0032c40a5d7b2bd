/** Every client verifies what every other client signed, and refuses it for each fault in the words for that fault. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, type Verdict } from './client.ts';
import { keyOf, nameOf, playMatrix, printMatrix, questionsFor, type Verdicts, type Way } from './matrix.ts';
import { openClients } from './opened-clients.ts';
import { openWorkplace } from './places.ts';

const workplace = await openWorkplace();
const { signers, verifiers } = await openClients(workplace);
const ways: Way[] = signers.flatMap(({ name, logs }) =>
	KINDS.flatMap((kind) => logs.map((log) => ({ signer: name, kind, log }))),
);

let verdicts: Verdicts;
beforeAll(async () => {
	verdicts = await playMatrix(workplace, signers, verifiers);
});

afterAll(async () => {
	if (verdicts)
		console.log(
			`who accepts whom ${workplace.home.tlsCa ? 'over TLS' : 'over plain HTTP'}, and faults refused:\n${printMatrix(ways, verifiers, verdicts)}`,
		);
	await workplace.remove();
});

describe.each(verifiers)('$name', (verifier) => {
	describe.each(ways.map((way) => [nameOf(way), way] as const))('judging %s', (_name, way) => {
		const asked = (question: Parameters<typeof keyOf>[2]) => verdicts.get(keyOf(verifier.name, way, question));
		const accepted: Verdict = { accepted: true };
		const faults = questionsFor(verifier, way.kind).flatMap((question) =>
			question in verifier.refusals ? [question as keyof typeof verifier.refusals] : [],
		);

		it('accepts it, and its like at the other instance', () => {
			expect(asked('as signed')).toEqual(accepted);
			expect(asked('at the other instance')).toEqual(accepted);
		});

		it.each(faults)('refuses it for another %s', (fault) => {
			expect(asked(fault)).toEqual({ accepted: false, said: expect.stringMatching(verifier.refusals[fault]) });
		});
	});
});
