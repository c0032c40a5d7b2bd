/** Runs the timestamp authority in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { tsa } from './definition.ts';

await run(tsa);
