/** Runs the TUF repository in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { tuf } from './definition.ts';

await run(tuf);
