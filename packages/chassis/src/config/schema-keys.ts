/**
 * Which keys a zod schema knows at a place: for messages about unknown ones.
 */
import type { z } from 'zod';

type Schema = z.core.$ZodType;

/** Keys of the object schema at `path` (as zod reports it in an issue); empty when there is none. */
export function knownKeysAt(schema: Schema, path: readonly PropertyKey[]): Set<string> {
	let at: Schema[] = unwrap(schema);
	for (const step of path) at = at.flatMap((one) => childrenAt(one, step)).flatMap(unwrap);
	return new Set(at.flatMap((one) => Object.keys(shapeOf(one) ?? {})));
}

/** The object, array or record schemas that a value of `schema` is parsed by, without their wrappers. */
function unwrap(schema: Schema): Schema[] {
	const def = (schema as z.core.$ZodTypes)._zod.def;
	switch (def.type) {
		case 'optional':
		case 'nullable':
		case 'default':
		case 'prefault':
		case 'nonoptional':
		case 'readonly':
		case 'catch':
			return unwrap(def.innerType);
		case 'pipe':
			return unwrap(def.in);
		case 'lazy':
			return unwrap(def.getter());
		case 'union':
			return def.options.flatMap(unwrap);
		case 'intersection':
			return [...unwrap(def.left), ...unwrap(def.right)];
		default:
			return [schema];
	}
}

function childrenAt(schema: Schema, step: PropertyKey): Schema[] {
	const def = (schema as z.core.$ZodTypes)._zod.def;
	if (def.type === 'array') return [def.element];
	if (def.type === 'record') return [def.valueType];
	const shape = shapeOf(schema);
	const child = shape && Object.hasOwn(shape, step) ? shape[String(step)] : undefined;
	return child ? [child] : [];
}

function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
	const def = (schema as z.core.$ZodTypes)._zod.def;
	return def.type === 'object' ? def.shape : undefined;
}
