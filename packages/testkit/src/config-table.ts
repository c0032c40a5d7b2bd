/**
 * A configuration as the rows of a README, from the schema itself.
 */
import { z } from 'zod';

export interface FieldRow {
	/** Dotted path; `[]` stands for each member of a list. */
	readonly path: string;
	readonly description: string;
	/** JSON of the default, `required`, or empty when the field may be left out. */
	readonly fallback: string;
}

export function fieldsOf(schema: z.core.$ZodType, path = ''): FieldRow[] {
	const def = (schema as z.core.$ZodTypes)._zod.def;
	switch (def.type) {
		case 'object':
			return Object.entries(def.shape).flatMap(([name, field]) =>
				rowsOf(field, path === '' ? name : `${path}.${name}`),
			);
		case 'array':
			return fieldsOf(def.element, `${path}[]`);
		case 'union':
			return def.options.flatMap((option) => fieldsOf(option, path));
		case 'default':
		case 'optional':
			return fieldsOf(def.innerType, path);
		case 'pipe':
			return fieldsOf(def.in, path);
		default:
			return [];
	}
}

function rowsOf(field: z.core.$ZodType, path: string): FieldRow[] {
	const def = (field as z.core.$ZodTypes)._zod.def;
	const fallback =
		def.type === 'default' ? JSON.stringify(def.defaultValue) : def.type === 'optional' ? '' : 'required';
	const own = { path, description: z.globalRegistry.get(field)?.description ?? '', fallback };
	return [own, ...fieldsOf(field, path)];
}

/** One line per field; fields that several types share are one line. */
export function markdownRows(rows: readonly FieldRow[]): string[] {
	const lines = rows.map(({ path, fallback, description }) => {
		const shown = fallback === 'required' || fallback === '' ? fallback : `\`${fallback}\``;
		return `| \`${path}\` | ${shown} | ${description.replaceAll('|', '\\|')} |`;
	});
	return [...new Set(lines)];
}
