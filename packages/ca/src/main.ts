/** Runs the certificate authority in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { ca } from './definition.ts';

await run(ca);
