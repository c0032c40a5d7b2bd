/** The configuration is not usable; the message says where and what is expected, and shows no values. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}
