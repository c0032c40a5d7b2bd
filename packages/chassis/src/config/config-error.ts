import { ChanceryError } from '@chancery/core/chancery-error';

/** The configuration is not usable; the message says where and what is expected, and shows no values. */
export class ConfigError extends ChanceryError<'config-invalid'> {
	constructor(message: string, options?: ErrorOptions) {
		super('config-invalid', message, options);
	}
}
