/** `chancery tuf ...`: operating on the repository of an instance. */
import { Command, InvalidArgumentError } from 'commander';
import { type InstanceOptions, instanceOf, withInstanceOptions } from '../instance-option.ts';
import { terminal } from '../terminal.ts';

interface AdoptRepositoryOptions extends InstanceOptions {
	readonly timestamp: number;
	readonly seen?: ReturnType<typeof seenVersions>;
	readonly reason: string;
	readonly json?: boolean;
}

export function tufCommand(): Command {
	const tuf = new Command('tuf').description('Operates on the root of trust.');
	withInstanceOptions(tuf.command('adopt-repository'))
		.description(
			'Declares that the database of a stopped instance is complete, and lets its TUF repository publish again.',
		)
		.requiredOption('--timestamp <version>', 'newest timestamp in the database that you found and mean', versionNumber)
		.option(
			'--seen <versions>',
			"what clients have seen, when the old mark cannot tell; or 'nothing-newer'",
			seenVersions,
		)
		.requiredOption('--reason <text>', 'who decides this and why; kept in the database')
		.option('--json', 'print what was adopted as JSON')
		.addHelpText(
			'after',
			`
A repository keeps its newest versions outside of its database too; for 'up' in your state folder. When that copy is lost, or newer
than the database (a restored backup), the repository publishes nothing: clients that saw newer files refuse older ones
for ever. Adopting the database overrules that. The next timestamp, snapshot and targets get versions beyond those that
were seen. A root that was lost must be published again, byte for byte, before any other, and before any targets.

When the old copy cannot tell what was seen, say it. Clients keep what they saw in a cache (root.json, targets.json,
snapshot.json and timestamp.json of this repository, such as below ~/.sigstore/root); mirrors and HTTP caches keep the files
under their names. Take the newest that you find: the version is signed.version, 0 where there is none, and the root comes
with its SHA-256, as it was served (sha256sum root.json). When you know of nothing newer than the database, write
'nothing-newer'; whoever has seen more all the same will refuse what is published, until its versions are passed.

With --config the copy is where the file says (markFile, markDatabase, markBucket). Stop the service before.

Examples:
  $ chancery tuf adopt-repository --config chancery.yaml --timestamp 42 --seen nothing-newer --reason "mark moved"
  $ chancery tuf adopt-repository --timestamp 42 --seen nothing-newer --reason "old disk lost, database complete"
  $ chancery tuf adopt-repository --timestamp 42 --seen root=3:<SHA-256>,targets=5,snapshot=9,timestamp=47 \\
      --reason "disk lost; database is the backup of Sunday, versions from the cache of a build machine"`,
		)
		.action(async (options: AdoptRepositoryOptions) => {
			const { adoptRepository } = await import('@chancery/stack/operate/adopt-repository');
			const { previous, seen, adopted } = await adoptRepository({
				...options,
				place: instanceOf(options),
				say: terminal.say,
			});
			const versions = (of: typeof adopted) =>
				Object.fromEntries([...of].map(([role, { version }]) => [role, version]));
			if (options.json)
				terminal.json({
					previous: previous ? versions(previous) : null,
					seen: Object.fromEntries(seen),
					adopted: versions(adopted),
				});
			else terminal.success(`the repository goes on from timestamp ${options.timestamp}`);
		});
	return tuf;
}

/** As the route of the service takes them. */
function seenVersions(text: string) {
	if (text === 'nothing-newer') return text;
	const stated = new Map(text.split(',').map((part) => part.split(/=(.*)/s, 2) as [string, string | undefined]));
	const [, root, sha256] = /^([1-9][0-9]{0,7}):([0-9a-f]{64})$/.exec(stated.get('root') ?? '') ?? [];
	const [targets, snapshot, timestamp] = ['targets', 'snapshot', 'timestamp'].map((role) => stated.get(role) ?? '');
	if (!root || !sha256 || stated.size !== 4 || text.split(',').length !== 4)
		throw new InvalidArgumentError(
			"expected 'nothing-newer', or root=<version>:<64 hex digits of its SHA-256>,targets=<version>,snapshot=<version>,timestamp=<version>.",
		);
	return {
		root: { version: Number(root), sha256 },
		targets: versionNumber(targets ?? ''),
		snapshot: versionNumber(snapshot ?? ''),
		timestamp: versionNumber(timestamp ?? ''),
	};
}

function versionNumber(text: string): number {
	if (!/^(0|[1-9][0-9]{0,7})$/.test(text)) throw new InvalidArgumentError('expected a version number.');
	return Number(text);
}
