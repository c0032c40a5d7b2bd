/** One answer at a time, judged as the whole file is: for who asks somebody instead of reading a file. */
import { configSchema as caConfig } from '@chancery/ca/config';
import { answersSchema } from './answers.ts';

export type AnswerName = keyof typeof answersSchema.shape;

/** What is wrong with an answer; undefined: nothing. Answers that contradict each other show when all are there. */
export function answerProblem(name: AnswerName, value: unknown): string | undefined {
	const result = answersSchema.shape[name].safeParse(value);
	return result.success ? undefined : (result.error.issues[0]?.message ?? 'not understood');
}

/** As the CA knows them. */
export const ISSUER_TYPES: readonly string[] = caConfig.shape.issuers.element.options.map(
	({ shape }) => shape.type.value,
);
