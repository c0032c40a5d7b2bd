/** `beginTrust` in a process of its own, to be killed: mirror, cache folder, root file. */
import { readFileSync } from 'node:fs';
import { beginTrust } from '../src/tuf-client.ts';

const [, , mirror = '', cacheDir = '', root = ''] = process.argv;
await beginTrust({ mirror, cacheDir, initialRoot: readFileSync(root) });
