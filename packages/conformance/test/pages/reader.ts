/** Makes the reader of a page: a home with the data of the instance and nothing else, and a folder to work in. */
import { chmod, mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CHECKOUT, DATA_IN_HOME } from './default-instance.ts';
import type { Reader } from './run-page.ts';

/**
 * `instance` reads next to a running instance whose command is on the PATH, in an empty folder. `checkout` reads in the
 * checkout and has nothing on the PATH yet.
 */
export type Where = 'instance' | 'checkout';

/** Everything lies below a new folder, `base`. */
export async function makeReader(where: Where, homeOfInstance: string): Promise<Reader & { readonly base: string }> {
	const base = await mkdtemp(join(tmpdir(), 'chancery-reader-'));
	// A page may start an instance, and the database server of root runs as another user, who must be able to pass.
	await chmod(base, 0o711);
	const [home, folder, programs] = [join(base, 'home'), join(base, 'work'), join(base, 'bin')];
	for (const made of [folder, programs, join(home, dirname(DATA_IN_HOME))]) await mkdir(made, { recursive: true });
	await symlink(join(homeOfInstance, DATA_IN_HOME), join(home, DATA_IN_HOME));
	// Of the checkout what commands of a page can meet, so that what they write does not land in it.
	if (where === 'checkout')
		for (const name of ['README.md', 'packages', 'docs']) await symlink(join(CHECKOUT, name), join(folder, name));
	// Clients of npm want a newer Node than some machines have: the pages say which, and here it is the project's.
	await symlink(process.execPath, join(programs, 'node'));
	const path = where === 'instance' ? [programs, join(CHECKOUT, 'packages/cli/bin')] : [programs];
	return { base, home, folder, path, records: join(base, 'records') };
}
