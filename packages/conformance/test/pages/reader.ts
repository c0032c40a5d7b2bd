/** Makes the environment of a page's reader: a home with only the data of the instance, and a folder to work in. */
import { chmod, mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CHECKOUT, DATA_IN_HOME } from './default-instance.ts';
import type { Reader } from './run-page.ts';

/**
 * `instance`: the reader works in an empty folder, has a running instance, and has its command on the PATH. `checkout`: the
 * reader works in the checkout and has nothing on the PATH yet.
 */
export type Where = 'instance' | 'checkout';

/** Everything is below a new folder, `base`. */
export async function makeReader(where: Where, homeOfInstance: string): Promise<Reader & { readonly base: string }> {
	const base = await mkdtemp(join(tmpdir(), 'chancery-reader-'));
	// A page may start an instance. For root its database server runs as another user, which must be able to enter.
	await chmod(base, 0o711);
	const [home, folder, programs] = [join(base, 'home'), join(base, 'work'), join(base, 'bin')];
	for (const made of [folder, programs, join(home, dirname(DATA_IN_HOME))]) await mkdir(made, { recursive: true });
	await symlink(join(homeOfInstance, DATA_IN_HOME), join(home, DATA_IN_HOME));
	// Links to what commands of a page read in the checkout, so that they do not write into the checkout itself.
	if (where === 'checkout')
		for (const name of ['README.md', 'packages', 'docs']) await symlink(join(CHECKOUT, name), join(folder, name));
	// Clients from npm need a newer Node than some machines have. The pages say which; here it is the project's.
	await symlink(process.execPath, join(programs, 'node'));
	const path = where === 'instance' ? [programs, join(CHECKOUT, 'packages/cli/bin')] : [programs];
	return { base, home, folder, path, records: join(base, 'records') };
}
