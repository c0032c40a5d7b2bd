/** Excerpts of a configuration file, as pages show them: every key and value is one that the file may have. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { CHECKOUT } from '../default-instance.ts';

type Schema = Parameters<typeof z.fromJSONSchema>[0];

const printed = execFileSync(join(CHECKOUT, 'packages/cli/bin/chancery'), ['config', 'schema'], { encoding: 'utf8' });
// An excerpt leaves things out.
const schema = z.fromJSONSchema(
	JSON.parse(printed, (_key, value) => {
		if (value !== null && typeof value === 'object' && Array.isArray(value.required)) delete value.required;
		return value;
	}) as Schema,
);

/** Returns undefined for an excerpt that the file may have, else what is wrong with it. */
export function settingsProblem(yaml: string): string | undefined {
	const { error } = schema.safeParse(parse(yaml));
	return error === undefined ? undefined : z.prettifyError(error);
}
