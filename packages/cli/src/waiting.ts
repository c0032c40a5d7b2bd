/** The message while a service is overloaded: only for people at a terminal. */
import { terminal } from './terminal.ts';

export function sayWait(isJson: boolean | undefined): (message: string) => void {
	return isJson || !terminal.isForPeople ? () => undefined : terminal.say;
}
