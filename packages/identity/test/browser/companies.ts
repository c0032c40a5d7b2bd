/** The services that the tests of pages open: as they are by default, with a secret, and as a company would set one up. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { type IdentityServer, startIdentityServer } from '../identity-server.ts';
import type { World } from './scenes.ts';

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><script>document.title = 'run'</script>
<rect width="40" height="40" rx="8" fill="#0b7a75"/><path d="M10 28V12h10l10 16V12" fill="none" stroke="#fff" stroke-width="4"/>
<rect x="48" y="8" width="66" height="10" rx="5" fill="#0b7a75"/><rect x="48" y="23" width="44" height="8" rx="4" fill="#7aa"/></svg>`;

export interface OpenWorld extends World {
	close(): Promise<void>;
}

export async function openWorld(): Promise<OpenWorld> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-logo-'));
	const file = join(folder, 'logo.svg');
	await writeFile(file, LOGO);
	const development = await startIdentityServer();
	const secret = await startIdentityServer({ config: { developmentLogin: 'with-secret' } });
	const company = await startIdentityServer({
		profile: 'production',
		developmentSecret: null,
		config: {
			developmentLogin: false,
			connectors: [
				{
					type: 'oidc',
					id: 'https://people.example',
					name: 'Example People',
					issuer: secret.issuer,
					clientId: 'sigstore',
				},
				{ ...(await nobody()), id: 'https://down.example', name: 'Example Accounts' },
				{ ...(await nobody()), id: 'https://guests.example', name: 'a directory of guests with a rather long name' },
			],
			branding: {
				name: 'Example Signing',
				logo: { file },
				accent: { light: '#0b625e', dark: '#7fd8d2' },
				notice: 'For people of Example AG and their guests.',
				helpUrl: 'mailto:help@example.com',
				privacyUrl: 'https://example.com/privacy',
			},
		},
	});
	const servers: readonly IdentityServer[] = [development, secret, company];
	return {
		development,
		secret,
		company,
		close: async () => {
			for (const server of servers) {
				await server.stop();
				await server.test.drop();
			}
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** A provider that does not answer. */
async function nobody() {
	return { type: 'oidc', issuer: `http://127.0.0.1:${await freePort()}`, clientId: 'broker' };
}
