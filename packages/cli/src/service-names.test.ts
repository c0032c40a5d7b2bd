import { SERVICES } from '@chancery/stack/services';
import { expect, it } from 'vitest';
import { requireServiceNames, SERVICE_NAMES } from './service-names.ts';

it('are those of the instance, in its order', () => {
	expect(SERVICE_NAMES).toEqual(SERVICES.map(({ definition }) => definition.name));
});

it('are the only ones', () => {
	expect(() => requireServiceNames(['ca', 'tsa'])).not.toThrow();
	expect(() => requireServiceNames(['ca', 'rekor'])).toThrow("there is no service 'rekor'; there are identity, ca,");
});
