import { LOGS } from '@chancery/stack/services';
import { expect, it } from 'vitest';
import { LOG_NAMES } from './log-names.ts';

it('are those of the instance, in its order', () => {
	expect(LOG_NAMES).toEqual(LOGS.map(({ name }) => name));
});
