/** Settings of earlier versions that stand elsewhere now: whoever upgrades is told what to write instead. */
import { ConfigError } from './config-error.ts';

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** @throws {ConfigError} naming every setting that moved */
export function refuseMovedSettings(sections: Sections): void {
	const moved = Object.entries(sections).flatMap(([name, section]) => [
		...(Object.hasOwn(section, 'profile')
			? [`${name}.profile: remove it; one 'profile' at the top of the file holds for all services (default production)`]
			: []),
		...entriesOf(section.keys)
			.filter(([, key]) => Object.hasOwn(key, 'requireEncrypted'))
			.map(
				([key]) =>
					`${name}.keys.${key}.requireEncrypted: remove it; production refuses keys in the clear unless 'allow' at the top of the file has 'unencrypted-keys'`,
			),
		...entriesOf(section.issuers)
			.filter(([, issuer]) => Object.hasOwn(issuer, 'allowEveryone'))
			.map(
				([i]) =>
					`${name}.issuers.${i}.allowEveryone: remove it; give the issuer rules, or add 'global-issuers' to 'allow' at the top of the file`,
			),
	]);
	if (moved.length > 0)
		throw new ConfigError(`settings of an earlier version have moved:\n${moved.map((line) => `  ${line}`).join('\n')}`);
}

function entriesOf(value: unknown): [string, object][] {
	if (value === null || typeof value !== 'object') return [];
	return Object.entries(value).filter(
		(entry): entry is [string, object] => entry[1] !== null && typeof entry[1] === 'object',
	);
}
