/**
 * Which way of verifying a signature over a bare digest the server is told to take.
 */

/** `usual` is whatever the server chooses by itself. */
export const BACKEND_CHOICES = ['usual'] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];

/** What forces the choice: members of the section `log`, and variables of the server's environment. */
export interface BackendSettings {
	readonly config: Readonly<Record<string, unknown>>;
	readonly environment: Readonly<Record<string, string>>;
}

export function settingsOf(_choice: BackendChoice): BackendSettings {
	return { config: {}, environment: {} };
}
