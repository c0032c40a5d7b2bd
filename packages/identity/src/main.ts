/** Runs the identity provider in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { identity } from './definition.ts';

await run(identity);
