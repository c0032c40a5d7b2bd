/** Questions on a terminal, each asked until its answer is good. Ctrl-C ends all of them. */

import { ChanceryError } from '@chancery/core/chancery-error';
import { confirm, isCancel, multiselect, note, select, text } from '@clack/prompts';

/** Somebody does not want to go on. */
export class Cancelled extends ChanceryError<'cancelled'> {
	constructor() {
		super('cancelled', 'cancelled');
	}
}

interface TextQuestion {
	/** Answers nothing, or what is wrong with an answer. */
	readonly check: (answer: string) => string | undefined;
	readonly usual?: string;
	readonly example?: string;
}

/** Every question throws Cancelled when it is answered with Ctrl-C. */
export const prompts = {
	text: async (message: string, { check, usual, example }: TextQuestion): Promise<string> => {
		const answer = await text({
			message,
			...(usual === undefined ? {} : { initialValue: usual }),
			...(example === undefined ? {} : { placeholder: example }),
			validate: (value) => {
				const given = value?.trim() ?? '';
				return given === '' ? 'an answer is needed' : check(given);
			},
		});
		return unlessCancelled(answer).trim();
	},
	yesNo: async (message: string, usual: boolean): Promise<boolean> =>
		unlessCancelled(await confirm({ message, initialValue: usual })),
	one: async <Choice extends string>(message: string, choices: Readonly<Record<Choice, string>>) => {
		const options = Object.entries<string>(choices).map(([value, label]) => ({ value, label }));
		return unlessCancelled(await select({ message, options })) as Choice;
	},
	some: async (message: string, choices: readonly string[]): Promise<string[]> => {
		const options = choices.map((value) => ({ value, label: value }));
		return unlessCancelled(await multiselect({ message: `${message} (space chooses, return goes on)`, options }));
	},
	tell: (title: string, lines: string): void => note(lines, title),
};

function unlessCancelled<T>(answer: T): Exclude<T, symbol> {
	if (isCancel(answer)) throw new Cancelled();
	return answer as Exclude<T, symbol>;
}
