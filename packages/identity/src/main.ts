/** The identity provider in a process of its own. */
import { run } from '@chancery/chassis/run';
import { processSchema, readSigningJwks } from './process-config.ts';
import { createService } from './service.ts';

await run('identity', processSchema(), ({ config, ...deps }) => {
	const { signingJwks, developmentSecret, ...own } = config;
	return createService({
		...deps,
		config: own,
		signingJwks: readSigningJwks(signingJwks),
		...(developmentSecret ? { developmentSecret: developmentSecret.reveal() } : {}),
	});
});
