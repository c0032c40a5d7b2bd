import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { KeyError } from '../key-error.ts';
import { moduleEnvironment } from './pkcs11-environment.ts';
import { parsePkcs11Uri } from './pkcs11-uri.ts';

const MODULE = '?module-path=/usr/lib/softhsm/libsofthsm2.so';

describe('a PKCS#11 URI', () => {
	it('says which module, token and key', () => {
		expect(parsePkcs11Uri(`pkcs11:token=The%20CA;object=issuer;id=%01%00A;type=private${MODULE}`)).toEqual({
			text: { token: 'The CA', object: 'issuer' },
			id: Uint8Array.of(1, 0, 65),
			modulePath: '/usr/lib/softhsm/libsofthsm2.so',
			name: 'pkcs11:token=The%20CA;object=issuer;id=%01%00A;type=private',
		});
	});

	it('may name everything else that RFC 7512 knows of tokens, slots and libraries', () => {
		const names = ['manufacturer', 'serial', 'model', 'library-manufacturer', 'library-description'];
		const text = [...names, 'slot-manufacturer', 'slot-description'].map((name) => `${name}=%C3%A9`);
		const found = parsePkcs11Uri(`PKCS11:${text.join(';')};slot-id=4294967295;library-version=2.40${MODULE}`);
		expect(Object.values(found.text)).toEqual(Array(7).fill('é'));
		expect(found).toMatchObject({ slotId: 0xffff_ffff, libraryVersion: { major: 2, minor: 40 } });
		expect(parsePkcs11Uri(`pkcs11:library-version=3${MODULE}`).libraryVersion).toEqual({ major: 3 });
	});

	it('may leave every reserved character that the grammar allows as it is', () => {
		expect(parsePkcs11Uri(`pkcs11:object=:[]@!$'()*+,=&-._~${MODULE}`).text.object).toBe(":[]@!$'()*+,=&-._~");
		expect(parsePkcs11Uri("pkcs11:?module-path=/a/:[]@!$'()*+,=?|").modulePath).toBe("/a/:[]@!$'()*+,=?|");
		expect(parsePkcs11Uri('pkcs11:?module-path=/a%26b').modulePath).toBe('/a&b');
	});

	it.each<[string, RegExp]>([
		['file:/key', /does not begin/],
		['pkcs11:token=CA', /names no module/],
		['pkcs11:token=CA?', /names no module/],
		['pkcs11:token=CA?module-path=', /nothing as 'module-path'/],
		['pkcs11:token=CA?module-path=lib.so', /absolute path/],
		['pkcs11:token=CA?module-path=/a%00b', /control character/],
		[`pkcs11:token=${MODULE}`, /nothing as 'token'/],
		[`pkcs11:token=CA;${MODULE}`, /not written name=value/],
		[`pkcs11:;token=CA${MODULE}`, /not written name=value/],
		[`pkcs11:token${MODULE}`, /not written name=value/],
		[`pkcs11:=CA${MODULE}`, /not written name=value/],
		[`pkcs11:token=CA;token=CB${MODULE}`, /twice/],
		[`pkcs11:token=CA${MODULE}&module-path=/b`, /twice/],
		[`pkcs11:tokn=SECRET${MODULE}`, /not known here/],
		[`pkcs11:Token=SECRET${MODULE}`, /not known here/],
		[`pkcs11:pin-value=SECRET${MODULE}`, /not known here/],
		[`pkcs11:token=SE CRET${MODULE}`, /percent-encoded/],
		[`pkcs11:token=SECRET/${MODULE}`, /percent-encoded/],
		[`pkcs11:token=SECRET#${MODULE}`, /percent-encoded/],
		[`pkcs11:token=SECRETé${MODULE}`, /percent-encoded/],
		[`pkcs11:token=%4${MODULE}`, /percent-encoded/],
		[`pkcs11:token=%GG${MODULE}`, /percent-encoded/],
		[`pkcs11:token=%FF${MODULE}`, /no UTF-8/],
		[`pkcs11:token=%ED%A0%80${MODULE}`, /no UTF-8/],
		[`pkcs11:token=a%0Ab${MODULE}`, /control character/],
		[`pkcs11:token=${'a'.repeat(33)}${MODULE}`, /more than 32 bytes/],
		[`pkcs11:object=${'a'.repeat(256)}${MODULE}`, /more than 255 bytes/],
		[`pkcs11:object=${'a'.repeat(5000)}${MODULE}`, /longer than 4096/],
		[`pkcs11:id=${MODULE}`, /1 to 255 bytes/],
		[`pkcs11:id=${'a'.repeat(256)}${MODULE}`, /1 to 255 bytes/],
		[`pkcs11:type=public${MODULE}`, /may only be 'private'/],
		[`pkcs11:type=SECRET${MODULE}`, /may only be 'private'/],
		[`pkcs11:slot-id=-1${MODULE}`, /32 bits/],
		[`pkcs11:slot-id=4294967296${MODULE}`, /32 bits/],
		[`pkcs11:library-version=2.4.0${MODULE}`, /version/],
		['pkcs11:?module-name=softhsm2', /'module-path'/],
		[`pkcs11:token=CA${MODULE}&pin-value=SECRET`, /change the PIN/],
		[`pkcs11:token=CA?pin-value=SECRET&module-path=/a`, /change the PIN/],
		[`pkcs11:token=CA${MODULE}&pin-source=file:/SECRET`, /'pin-source'/],
		[`pkcs11:token=CA${MODULE}&x-pin=SECRET`, /not known here/],
	])('%s is refused, and nothing of it is repeated', (uri, words) => {
		let error: unknown;
		try {
			parsePkcs11Uri(uri);
		} catch (thrown) {
			error = thrown;
		}
		expect(error).toMatchObject({ name: 'KeyError', code: 'bad-uri', message: expect.stringMatching(words) });
		expect(String(error)).not.toContain('SECRET');
		expect(String(error)).not.toContain('softhsm2.so');
	});

	it('that is mangled or random is read the same every time, or refused with that one error', () => {
		const random = new SeededRandom(7512);
		const good = `pkcs11:token=The%20CA;object=issuer;id=%01%FF;slot-id=7;type=private${MODULE}`;
		const letters = 'pkcs11:;=?&%0aF/|token id\u0000é\u{1f600}';
		const outcomes = { read: 0, refused: 0 };
		for (let round = 0; round < 20_000; round++) {
			const chars = round % 4 === 0 ? [] : [...good];
			for (let change = 0; change <= random.below(4); change++) {
				const at = random.below(chars.length + 1);
				chars.splice(
					at,
					random.below(3),
					...Array.from({ length: random.below(3) }, () => letters.charAt(random.below(letters.length))),
				);
			}
			const uri = chars.join('');
			try {
				const read = parsePkcs11Uri(uri);
				expect(parsePkcs11Uri(uri)).toEqual(read);
				expect(read.name + uri.slice(read.name.length)).toBe(uri.replace(/^pkcs11:/i, 'pkcs11:'));
				outcomes.read++;
			} catch (error) {
				expect(error).toBeInstanceOf(KeyError);
				outcomes.refused++;
			}
		}
		expect(outcomes.read).toBeGreaterThan(500);
		expect(outcomes.refused).toBeGreaterThan(5_000);
	});
});

describe('the environment of a module', () => {
	it('has its own variables and those that are named for it, and no others', () => {
		const env = {
			PATH: '/bin',
			SOFTHSM2_CONF: '/etc/softhsm2.conf',
			VENDOR_CONF: '/etc/vendor',
			CA_PIN: '1234',
			DATABASE_URL: 'postgres://u:p@h/d',
			NODE_OPTIONS: '--inspect',
		};
		expect(moduleEnvironment(env)).toEqual({ PATH: '/bin', SOFTHSM2_CONF: '/etc/softhsm2.conf' });
		expect(moduleEnvironment({ ...env, CHANCERY_PKCS11_ENV: 'OTHER, VENDOR_CONF' })).toEqual({
			PATH: '/bin',
			SOFTHSM2_CONF: '/etc/softhsm2.conf',
			VENDOR_CONF: '/etc/vendor',
		});
	});
});
