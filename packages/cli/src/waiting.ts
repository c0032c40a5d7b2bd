/** What the command says while a service is overloaded: to people who look, and to nobody else. */
import { terminal } from './terminal.ts';

export function sayWait(isJson: boolean | undefined): (message: string) => void {
	return isJson || !terminal.isForPeople ? () => undefined : terminal.say;
}
