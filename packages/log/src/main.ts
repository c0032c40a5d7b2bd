/** Runs both signature logs in a process of their own. */
import { run } from '@chancery/chassis/process/run';
import { log } from './definition.ts';

await run(log);
