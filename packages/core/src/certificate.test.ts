import { X509Certificate } from 'node:crypto';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, toHex, utf8 } from './bytes.ts';
import {
	authorityKeyId,
	basicConstraints,
	type Certificate,
	EKU_CODE_SIGNING,
	EKU_TIME_STAMPING,
	extendedKeyUsage,
	keyUsage,
	nameToString,
	parseCertificate,
	parseName,
	subjectAltNames,
	subjectKeyId,
} from './certificate.ts';
import {
	derBitString,
	derBoolean,
	derContext,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	derSet,
	derTime,
	derUtf8,
} from './der.ts';
import { FormatError } from './format-error.ts';
import { parsePem } from './pem.ts';
import { ed25519Spki, keyIdentifier, parseSpki } from './spki.ts';

const openssl = new OpensslFolder();
afterAll(() => openssl.remove());

interface Recipe {
	readonly key: readonly string[];
	readonly subject: string;
	readonly extensions: readonly string[];
}

const RECIPES: Readonly<Record<string, Recipe>> = {
	root: {
		key: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
		subject: '/O=example/CN=root',
		extensions: ['basicConstraints=critical,CA:TRUE,pathlen:1', 'keyUsage=critical,keyCertSign,cRLSign'],
	},
	leaf: {
		key: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
		subject: '/CN=müller',
		extensions: [
			'subjectAltName=critical,email:a@b.example,URI:https://x.example/y?z=@,DNS:d.example,IP:192.0.2.1,IP:2001:db8::1,otherName:1.3.6.1.4.1.57264.1.7;UTF8:foo!bar.example,dirName:dir',
			'extendedKeyUsage=codeSigning,timeStamping',
			'keyUsage=critical,digitalSignature',
			'basicConstraints=CA:FALSE',
		],
	},
	rsa: {
		key: ['rsa:2048'],
		subject: '/C=XX/ST=s/L=l/O=o/OU=u/CN=c/emailAddress=a@b',
		extensions: ['basicConstraints=CA:TRUE'],
	},
	ed25519: {
		key: ['ed25519'],
		subject: '/CN=ed',
		extensions: ['basicConstraints=CA:FALSE', 'keyUsage=decipherOnly,keyAgreement'],
	},
};

function makeWithOpenssl(name: string): Uint8Array {
	const { key, subject, extensions } = RECIPES[name]!;
	openssl.write('openssl.cnf', '[req]\ndistinguished_name=dn\n[dn]\n[dir]\nCN=directory\n');
	const base = ['req', '-config', 'openssl.cnf', '-x509', '-utf8', '-nodes', '-days', '30', '-subj', subject];
	const added = extensions.flatMap((extension) => ['-addext', extension]);
	openssl.run(...base, '-newkey', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`, ...added);
	return parsePem(new TextDecoder().decode(openssl.read(`${name}.pem`)))[0]!.der;
}

const made: Record<string, Uint8Array> = {};
beforeAll(() => {
	for (const name of Object.keys(RECIPES)) made[name] = makeWithOpenssl(name);
});

describe('a certificate that openssl made', () => {
	it.each(Object.keys(RECIPES))('(%s) is read as node reads it', (name) => {
		const der = made[name]!;
		const certificate = parseCertificate(der);
		const judge = new X509Certificate(der);
		expect(toHex(certificate.serial).replace(/^00/, '').toUpperCase()).toBe(judge.serialNumber);
		expect(certificate.notBefore).toEqual(judge.validFromDate);
		expect(certificate.notAfter).toEqual(judge.validToDate);
		expect(certificate.publicKey).toEqual(new Uint8Array(judge.publicKey.export({ format: 'der', type: 'spki' })));
		expect(certificate.version).toBe(3);
		expect(certificate.der).toEqual(der);
		expect(certificate.issuer).toEqual(certificate.subject);
		const names = parseName(certificate.subject).map(({ value }) => value);
		expect(judge.subject.split('\n').map((line) => line.slice(line.indexOf('=') + 1))).toEqual(names);
		expect(basicConstraints(certificate)?.ca).toBe(judge.ca);
		// OpenSSL hashes the key bits as we do.
		expect(subjectKeyId(certificate)).toEqual(keyIdentifier(certificate.publicKey));
		expect(authorityKeyId(certificate) ?? subjectKeyId(certificate)).toEqual(subjectKeyId(certificate));
	});

	it('shows its names in order, and leaves out the form that we do not read', () => {
		expect(subjectAltNames(parseCertificate(made.leaf!))).toEqual([
			{ type: 'email', value: 'a@b.example' },
			{ type: 'uri', value: 'https://x.example/y?z=@' },
			{ type: 'dns', value: 'd.example' },
			{ type: 'ip', value: 'c0000201' },
			{ type: 'ip', value: '20010db8000000000000000000000001' },
			{ type: 'otherName', oid: '1.3.6.1.4.1.57264.1.7', value: 'foo!bar.example' },
		]);
	});

	it('shows what its key may do', () => {
		const [root, leaf, rsa, ed] = ['root', 'leaf', 'rsa', 'ed25519'].map((name) => parseCertificate(made[name]!));
		expect(basicConstraints(root!)).toEqual({ ca: true, pathLength: 1 });
		expect(basicConstraints(leaf!)).toEqual({ ca: false });
		expect(keyUsage(root!)).toEqual(['keyCertSign', 'cRLSign']);
		expect(keyUsage(ed!)).toEqual(['keyAgreement', 'decipherOnly']);
		expect(keyUsage(rsa!)).toBeUndefined();
		expect(extendedKeyUsage(leaf!)).toEqual([EKU_CODE_SIGNING, EKU_TIME_STAMPING]);
		expect(extendedKeyUsage(root!)).toEqual([]);
		expect(leaf!.extension('2.5.29.17')!.critical).toBe(true);
		expect(leaf!.extension('1.2.3')).toBeUndefined();
	});

	it('has names that people can read', () => {
		expect(nameToString(parseCertificate(made.rsa!).subject)).toBe(
			'C=XX, ST=s, L=l, O=o, OU=u, CN=c, 1.2.840.113549.1.9.1=a@b',
		);
		expect(nameToString(parseCertificate(made.leaf!).subject)).toBe('CN=müller');
	});

	it('has signed bytes and a signature that verify', () => {
		for (const [name, der] of Object.entries(made)) {
			const { tbs, signature } = parseCertificate(der);
			if (name === 'ed25519') continue;
			openssl.write('tbs', tbs);
			openssl.write('signature', signature);
			openssl.run('x509', '-in', `${name}.pem`, '-noout', '-pubkey', '-out', 'public.pem');
			expect(openssl.run('dgst', '-sha256', '-verify', 'public.pem', '-signature', 'signature', 'tbs')).toBe(
				'Verified OK\n',
			);
		}
	});
});

const ALGORITHM = derSequence(derOid('1.3.101.112'));
const NAME = derSequence(derSet(derSequence(derOid('2.5.4.3'), derUtf8('x'))));
const KEY = ed25519Spki(new Uint8Array(32).fill(1));
const extension = (oid: string, value: Uint8Array, ...critical: Uint8Array[]) =>
	derSequence(derOid(oid), ...critical, derOctetString(value));

interface Parts {
	readonly version?: Uint8Array;
	readonly outerAlgorithm?: Uint8Array;
	readonly extensions?: readonly Uint8Array[];
	readonly extra?: Uint8Array;
}

/** A certificate of our own making, to be wrong in one place. */
function assemble({
	version = derContext(0, {}, derInteger(2)),
	outerAlgorithm = ALGORITHM,
	extensions,
	extra,
}: Parts): Uint8Array {
	const validity = derSequence(derTime(new Date('2026-01-01T00:00:00Z')), derTime(new Date('2056-01-01T00:00:00Z')));
	const fields = [version, derInteger(1), ALGORITHM, NAME, validity, NAME, KEY];
	if (extensions) fields.push(derContext(3, {}, derSequence(...extensions)));
	if (extra) fields.push(extra);
	return derSequence(derSequence(...fields), outerAlgorithm, derBitString(new Uint8Array(64)));
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => extension(`1.2.3.${i}`, derNull()));

const withExtension = (oid: string, value: Uint8Array): Certificate =>
	parseCertificate(assemble({ extensions: [extension(oid, value)] }));

describe('a certificate', () => {
	it('may be of version 1, or of version 3 without extensions', () => {
		expect(parseCertificate(assemble({ version: new Uint8Array(0) })).version).toBe(1);
		expect(parseCertificate(assemble({})).extensions).toEqual([]);
		expect(parseCertificate(assemble({})).notAfter.getUTCFullYear()).toBe(2056);
	});

	it('may have almost 128 KiB, and a hundred extensions', () => {
		const long = assemble({ extensions: [extension('1.2.3', new Uint8Array(130_000))] });
		expect(parseCertificate(long).extension('1.2.3')?.value).toHaveLength(130_000);
		expect(parseCertificate(assemble({ extensions: numbered(100) })).extensions).toHaveLength(100);
	});

	const any = extension('1.2.3', derNull());
	it.each<[string, Uint8Array]>([
		['nothing', new Uint8Array(0)],
		['bytes behind it', concatBytes(assemble({}), Uint8Array.of(0))],
		['two algorithms', assemble({ outerAlgorithm: derSequence(derOid('1.3.101.113')) })],
		['the default version written out', assemble({ version: derContext(0, {}, derInteger(0)) })],
		['version 4', assemble({ version: derContext(0, {}, derInteger(3)) })],
		['extensions in version 1', assemble({ version: new Uint8Array(0), extensions: [any] })],
		['an empty list of extensions', assemble({ extensions: [] })],
		['one extension twice', assemble({ extensions: [any, any] })],
		['critical as 01', assemble({ extensions: [extension('1.2.3', derNull(), derRaw(0x01, Uint8Array.of(1)))] })],
		['a field behind the extensions', assemble({ extensions: [any], extra: derNull() })],
		['more than 128 KiB', assemble({ extensions: [extension('1.2.3', new Uint8Array(128 * 1024))] })],
		['101 extensions', assemble({ extensions: numbered(101) })],
		['33,000 extensions', assemble({ extensions: numbered(33_000) })],
	])('is refused with %s', (_what, der) => {
		expect(() => parseCertificate(der)).toThrow(FormatError);
	});

	it.each<[string, string, Uint8Array, (certificate: Certificate) => unknown]>([
		[
			'names beyond ASCII',
			'2.5.29.17',
			derSequence(derContext(1, { constructed: false }, utf8('é@b'))),
			subjectAltNames,
		],
		['a NUL in a name', '2.5.29.17', derSequence(derContext(1, { constructed: false }, utf8('a\0b'))), subjectAltNames],
		['bytes behind its names', '2.5.29.17', concatBytes(derSequence(), Uint8Array.of(5, 0)), subjectAltNames],
		['names that are no list', '2.5.29.17', derNull(), subjectAltNames],
		['a negative path length', '2.5.29.19', derSequence(derBoolean(true), derInteger(-1)), basicConstraints],
		['a third constraint', '2.5.29.19', derSequence(derBoolean(true), derInteger(1), derNull()), basicConstraints],
		['a usage that does not exist', '2.5.29.15', derRaw(0x03, Uint8Array.of(6, 0, 0x40)), keyUsage],
		['purposes that are none', '2.5.29.37', derSequence(derNull()), extendedKeyUsage],
		['a key identifier that is none', '2.5.29.14', derNull(), subjectKeyId],
		['an authority that is none', '2.5.29.35', derNull(), authorityKeyId],
	])('with %s parses, but does not answer for them', (_what, oid, value, read) => {
		expect(() => read(withExtension(oid, value))).toThrow(FormatError);
	});

	it('more names than anybody has are refused', () => {
		const one = derContext(2, { constructed: false }, utf8('a'));
		const many = derSequence(...Array.from({ length: 1001 }, () => one));
		expect(() => subjectAltNames(withExtension('2.5.29.17', many))).toThrow(FormatError);
	});

	it('throws nothing but its own error for damaged bytes, whatever is asked of it', () => {
		const random = new SeededRandom(16);
		const samples = [made.leaf!, made.root!];
		let read = 0;
		for (let i = 0; i < 6000; i++) {
			const damaged = random.mangle(random.pick(samples));
			try {
				const certificate = parseCertificate(damaged);
				expect(certificate.der).toEqual(damaged);
				for (const ask of [subjectAltNames, basicConstraints, keyUsage, extendedKeyUsage, subjectKeyId, authorityKeyId])
					ask(certificate);
				nameToString(certificate.subject);
				parseSpki(certificate.publicKey);
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(100);
	});
});
