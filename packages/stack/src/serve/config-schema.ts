/**
 * `chancery config schema`: the whole configuration file as JSON Schema, from the schemas that the services parse it
 * with. For editors, which complete and explain from it, and for whoever checks a file before it is on a host.
 *
 * It knows the form of the file. What is checked against other settings or other files only `chancery config check` knows.
 */
import {
	databaseSection,
	keysSection,
	listenSection,
	loggingSection,
	processSection,
} from '@chancery/chassis/config/process-config';
import { EXCEPTIONS, instanceSchema } from '@chancery/chassis/config/production';
import type { ServiceDefinition } from '@chancery/chassis/service-definition';
import { z } from 'zod';
import { SERVICES } from '../services.ts';

type Json = Readonly<Record<string, unknown>>;

/** Those that every service has, or may have. */
const LISTENERS: Readonly<Record<string, string>> = {
	admin: 'For operators and other services; belongs on loopback.',
	probe: 'For probes from outside: whether it lives and is ready, and nothing else. Absent: no such listener.',
};

/** Editors read draft 7 best. */
const DRAFT = 'draft-7';

/** JSON Schema (draft 7) of a configuration file with any set of services. */
export function configJsonSchema(): Json {
	const { profile, allow } = instanceSchema.shape;
	return {
		$schema: 'http://json-schema.org/draft-07/schema#',
		title: 'Chancery',
		description: 'Configuration of services of Chancery. Relative paths are relative to the folder of the file.',
		type: 'object',
		properties: {
			profile: toJson(profile),
			allow: {
				description: allow.description,
				type: 'array',
				default: [],
				items: {
					anyOf: Object.entries(EXCEPTIONS).map(([name, { allows, danger }]) => ({
						const: name,
						description: `Allows ${allows}. Danger: ${danger}.`,
					})),
				},
			},
			database: { ...toJson(databaseSection()), description: 'Where the services of a process keep everything.' },
			logging: { ...toJson(loggingSection), description: 'What a process writes to standard error.' },
			process: { ...toJson(processSection), description: 'How a process ends.' },
			...Object.fromEntries(SERVICES.map(({ definition }) => [definition.name, sectionJson(definition)])),
		},
		additionalProperties: false,
	};
}

function sectionJson(definition: ServiceDefinition): Json {
	const { name, keys, listeners } = definition;
	const { properties, required, ...section } = toJson(definition.config());
	const address = toJson(listenSection.valueType);
	const key = toJson(keysSection().valueType);
	const keyNames = Object.keys(keys);
	return {
		description: `The service '${name}'. Whatever is missing here may come from the environment (CHANCERY_${name.toUpperCase()}__NAME_OF_FIELD).`,
		...section,
		properties: {
			listen: named(
				'Where its listeners are bound.',
				[...Object.keys(listeners), 'admin'],
				(of) => ({
					...address,
					description: LISTENERS[of] ?? 'For clients.',
				}),
				['probe'],
			),
			...(keyNames.length > 0
				? {
						keys: named('Its signing keys.', keyNames, (of) => ({
							...key,
							description: keys[of]?.purpose,
						})),
					}
				: {}),
			...(properties as Json),
		},
		required: ['listen', ...(keyNames.length > 0 ? ['keys'] : []), ...((required as string[] | undefined) ?? [])],
	};
}

/** A mapping with exactly these names, and perhaps `others`. */
function named(
	description: string,
	names: readonly string[],
	member: (name: string) => Json,
	others: readonly string[] = [],
): Json {
	return {
		description,
		type: 'object',
		properties: Object.fromEntries([...names, ...others].map((name) => [name, member(name)])),
		required: names,
		additionalProperties: false,
	};
}

/** What is written in a file: the input of the schema, before defaults and transformations. */
function toJson(schema: z.ZodType): Json {
	const { $schema: _, ...json } = z.toJSONSchema(schema, { target: DRAFT, io: 'input', unrepresentable: 'any' });
	return json;
}
