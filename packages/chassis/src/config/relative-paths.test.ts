import { expect, it } from 'vitest';
import { pathsBeside, resolvePaths } from './relative-paths.ts';

it('makes the paths of a section absolute, and nothing else', () => {
	const section = {
		keys: {
			a: { uri: 'file:keys/a.pem', passphrase: { file: 'secrets/a' } },
			b: { uri: 'file:/etc/b.pem', pin: { env: 'PIN' } },
			c: { uri: 'pkcs11:token=t;object=o' },
		},
		listen: { public: { host: 'localhost', tls: { certificateFile: 'tls.crt', keyFile: '../tls.key' } } },
		markFile: 'marks/tsa',
		markFiles: { v1: 'v1', v2: '/var/v2' },
		export: { kind: 'folder', path: 'tiles' },
		services: [{ trustReportUrl: 'http://localhost/a', bearer: { file: 'token' } }, 'word'],
		chainPem: { file: 'chain.pem' },
		publicUrl: 'https://a.example/path',
		path: 'left',
		empty: { file: '' },
	};
	resolvePaths(section, pathsBeside('/etc/chancery/chancery.yaml', {}));
	expect(section).toEqual({
		keys: {
			a: { uri: 'file:/etc/chancery/keys/a.pem', passphrase: { file: '/etc/chancery/secrets/a' } },
			b: { uri: 'file:/etc/b.pem', pin: { env: 'PIN' } },
			c: { uri: 'pkcs11:token=t;object=o' },
		},
		listen: {
			public: { host: 'localhost', tls: { certificateFile: '/etc/chancery/tls.crt', keyFile: '/etc/tls.key' } },
		},
		markFile: '/etc/chancery/marks/tsa',
		markFiles: { v1: '/etc/chancery/v1', v2: '/var/v2' },
		export: { kind: 'folder', path: '/etc/chancery/tiles' },
		services: [{ trustReportUrl: 'http://localhost/a', bearer: { file: '/etc/chancery/token' } }, 'word'],
		chainPem: { file: '/etc/chancery/chain.pem' },
		publicUrl: 'https://a.example/path',
		path: 'left',
		empty: { file: '' },
	});
});

it.each([
	['keys/ca-issuing.pem', '/run/credentials/a.service/keys_ca-issuing.pem'],
	['./secrets//ca-issuing.passphrase', '/run/credentials/a.service/secrets_ca-issuing.passphrase'],
	['chain.pem', '/run/credentials/a.service/chain.pem'],
	['/var/lib/chancery/marks/tsa', '/var/lib/chancery/marks/tsa'],
	['../other/file', '/run/credentials/other/file'],
])('of a configuration that is a credential, %s is %s', (path, expected) => {
	const file = '/run/credentials/a.service/chancery.yaml';
	expect(pathsBeside(file, { CREDENTIALS_DIRECTORY: '/run/credentials/a.service/' })(path)).toBe(expected);
});

it('knows no credentials for a configuration that is none', () => {
	const env = { CREDENTIALS_DIRECTORY: '/run/credentials/a.service' };
	expect(pathsBeside('/etc/chancery/chancery.yaml', env)('keys/a.pem')).toBe('/etc/chancery/keys/a.pem');
});
