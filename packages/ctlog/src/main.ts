/** Runs the certificate transparency log in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { ctlog } from './definition.ts';

await run(ctlog);
