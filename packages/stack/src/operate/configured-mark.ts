/** A mark where the section of its service says it is, for a command that may set it. */
import type { ServiceSettings } from '@chancery/chassis/process/process-settings';
import type { AdoptableMarkStore, MarkStore } from '@chancery/postgres/mark/mark';

/**
 * Opens the mark that the service calls `name`; `cleanup` closes all of the section.
 * @throws {ConfigError} when the section does not say where they are
 */
export function configuredMark(
	{ definition, config }: ServiceSettings,
	name: string,
	cleanup: AsyncDisposableStack,
): AdoptableMarkStore {
	const marks = definition.openMarks(config);
	cleanup.defer(async () => {
		await Promise.all(Object.values(marks).map((mark) => mark.close?.()));
	});
	const mark = marks[name];
	if (!mark || !isAdoptable(mark)) throw new Error(`${definition.name} has no mark '${name}' that can be set`);
	return mark;
}

function isAdoptable(mark: MarkStore): mark is AdoptableMarkStore {
	return 'replace' in mark && 'inspect' in mark;
}
