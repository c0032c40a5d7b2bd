import { expect, it } from 'vitest';
import { resolvePaths } from './relative-paths.ts';

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
	resolvePaths(section, '/etc/chancery');
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
