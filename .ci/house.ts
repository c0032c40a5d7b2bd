/**
 * The house rules that no linter knows: `node .ci/house.ts [ROOT]`, run by `npm run check`. Each rule stands in a file of
 * `house/`, with its reasons.
 */
import { resolve } from 'node:path';
import { checkHouse } from './house/rules.ts';

const { files, exceptions, complaints } = checkHouse(resolve(process.argv[2] ?? '.'));
if (complaints.length > 0) {
	console.error(complaints.join('\n'));
	console.error(`house rules: ${complaints.length} broken`);
	process.exit(1);
}
console.log(`house rules: ${files} files, none broken${exceptions > 0 ? ` beside ${exceptions} exceptions` : ''}`);
