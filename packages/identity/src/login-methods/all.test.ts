import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { enabledLoginMethods, LOGIN_METHODS, loginSettingsShape } from './all.ts';

describe('the ways to sign in', () => {
	it('have names and fields of their own', () => {
		expect(new Set(LOGIN_METHODS.map(({ id }) => id)).size).toBe(LOGIN_METHODS.length);
		for (const { id } of LOGIN_METHODS) expect(id).toMatch(/^[a-z0-9-]+$/);
		const fields = LOGIN_METHODS.flatMap(({ configShape }) => Object.keys(configShape));
		expect(Object.keys(loginSettingsShape)).toEqual(fields);
		expect(new Set(fields).size).toBe(fields.length);
	});

	it('are switched off unless the configuration says otherwise', () => {
		expect(enabledLoginMethods(z.strictObject(loginSettingsShape).parse({}))).toEqual([]);
	});
});
