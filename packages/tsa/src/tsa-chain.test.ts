import { X509Certificate } from 'node:crypto';
import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { describe, expect, it } from 'vitest';
import { makeAuthority, openssl, random, trustFiles } from '../test/authority-fixture.ts';
import { AuthorityError, openAuthority } from './domain/authority.ts';
import { createTsaChain } from './tsa-chain.ts';

const textOf = (der: Uint8Array) =>
	openssl(['x509', '-in', 'c.pem', '-noout', '-text'], { 'c.pem': encodePem('CERTIFICATE', der) });

describe('createTsaChain', () => {
	it.each([
		{ intermediate: false, length: 2 },
		{ intermediate: true, length: 3 },
	])('makes a chain that openssl verifies for timestamping (intermediate: $intermediate)', async (row) => {
		const { chain } = await makeAuthority(row);
		expect(chain.chain).toHaveLength(row.length);
		const leaf = encodePem('CERTIFICATE', chain.leaf);
		const said = openssl(
			[
				'verify',
				'-x509_strict',
				'-purpose',
				'timestampsign',
				'-CAfile',
				'root.pem',
				'-untrusted',
				'untrusted.pem',
				'leaf.pem',
			],
			{ ...trustFiles(chain), 'leaf.pem': leaf },
		);
		expect(said).toContain('leaf.pem: OK');
	});

	it('gives the leaf one critical purpose, one usage and a long positive serial number', async () => {
		const { chain } = await makeAuthority();
		const text = textOf(chain.leaf);
		expect(text).toMatch(/X509v3 Extended Key Usage: critical\s+Time Stamping\n/);
		expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
		expect(text).not.toContain('CA:TRUE');
		expect(text).toContain('Subject: O = Chancery Test, CN = Test Timestamp Authority');
		const serial = new X509Certificate(chain.leaf).serialNumber;
		expect(serial).toMatch(/^(0[1-9A-F]|[1-7][0-9A-F])[0-9A-F]{38}$/);
	});

	it('gives the intermediate the purpose too and the root none', async () => {
		const { chain } = await makeAuthority({ intermediate: true });
		expect(textOf(chain.intermediate!)).toMatch(/Extended Key Usage: critical\s+Time Stamping\n/);
		expect(textOf(chain.intermediate!)).toMatch(/CA:TRUE, pathlen:0/);
		expect(textOf(chain.root)).not.toContain('Extended Key Usage');
		expect(textOf(chain.root)).toMatch(/CA:TRUE, pathlen:1/);
	});

	it('links the certificates by key identifiers, and lets the leaf end before its issuers', async () => {
		const { chain } = await makeAuthority({ intermediate: true });
		const [leaf, intermediate, root] = chain.chain.map((der) => new X509Certificate(der));
		expect(leaf!.checkIssued(intermediate!)).toBe(true);
		expect(intermediate!.checkIssued(root!)).toBe(true);
		expect(new Date(leaf!.validTo) < new Date(intermediate!.validTo)).toBe(true);
		expect(chain.chainPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
	});

	it('refuses Ed25519, which timestamp clients do not verify', async () => {
		const request = {
			leafSigner: generateSigner('ecdsa-sha2-256-nistp256'),
			organization: 'o',
			commonName: 'c',
			notBefore: new Date(),
			random,
		};
		await expect(createTsaChain({ ...request, rootSigner: generateSigner('ed25519') })).rejects.toThrow(AuthorityError);
	});
});

describe('openAuthority', () => {
	it('accepts the chain it is given and serves the same PEM', async () => {
		const { signer, chain } = await makeAuthority({ intermediate: true });
		const authority = openAuthority({ chainPem: chain.chainPem, signer });
		expect(authority.chainPem).toBe(chain.chainPem);
		expect(authority.chain).toHaveLength(3);
	});

	it.each([
		{ what: 'one certificate', pem: (pems: string[]) => pems[0]!, says: /has 1 certificates/ },
		{ what: 'the root first', pem: (pems: string[]) => pems.toReversed().join(''), says: /not for the key/ },
		{ what: 'a gap', pem: (pems: string[]) => pems[0]! + pems[2]!, says: /the chain continues with/ },
		{ what: 'no root', pem: (pems: string[]) => pems[0]! + pems[1]!, says: /as its issuer/ },
	])('refuses $what', async ({ pem, says }) => {
		const { signer, chain } = await makeAuthority({ intermediate: true });
		const pems = chain.chain.map((der) => encodePem('CERTIFICATE', der));
		expect(() => openAuthority({ chainPem: pem(pems), signer })).toThrow(says);
		expect(() => openAuthority({ chainPem: pem(pems), signer })).toThrow(AuthorityError);
	});

	it('refuses the key of another authority', async () => {
		const { chain } = await makeAuthority();
		const { signer } = await makeAuthority();
		expect(() => openAuthority({ chainPem: chain.chainPem, signer })).toThrow(/not for the key of this authority/);
	});

	const leafCases = [
		{ ext: 'extendedKeyUsage=timeStamping', says: /is not critical/ },
		{ ext: 'extendedKeyUsage=critical,timeStamping,codeSigning', says: /exactly timeStamping is expected/ },
		{ ext: 'keyUsage=digitalSignature', says: /has the purposes \[\]/ },
		{ ext: 'extendedKeyUsage=critical,timeStamping\nbasicConstraints=critical,CA:TRUE', says: /must not be one/ },
		{
			ext: 'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature,keyEncipherment',
			says: /keyEncipherment/,
		},
	];
	it.each(leafCases)('refuses a leaf with $ext', async ({ ext, says }) => {
		const { leafPem, rootPem, signer } = await opensslLeaf(ext);
		expect(() => openAuthority({ chainPem: leafPem + rootPem, signer })).toThrow(says);
	});

	it('accepts a leaf that openssl made by the rules', async () => {
		const { leafPem, rootPem, signer } = await opensslLeaf(
			'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature,nonRepudiation',
		);
		expect(openAuthority({ chainPem: leafPem + rootPem, signer }).chain).toHaveLength(2);
	});
});

/** A leaf with chosen extensions, issued by openssl below a root of openssl. */
async function opensslLeaf(extensions: string) {
	const signer = generateSigner('ecdsa-sha2-256-nistp256');
	const publicPem = encodePem('PUBLIC KEY', signer.publicKey);
	using folder = new OpensslFolder({ 'pub.pem': publicPem, 'ext.cnf': extensions });
	folder.run(
		'req',
		'-x509',
		'-newkey',
		'ec',
		'-pkeyopt',
		'ec_paramgen_curve:P-256',
		'-nodes',
		'-keyout',
		'root.key',
		'-out',
		'root.pem',
		'-subj',
		'/O=Root',
		'-days',
		'10',
	);
	folder.run('req', '-new', '-key', 'root.key', '-out', 'leaf.csr', '-subj', '/O=Leaf');
	folder.run(
		'x509',
		'-req',
		'-in',
		'leaf.csr',
		'-CA',
		'root.pem',
		'-CAkey',
		'root.key',
		'-force_pubkey',
		'pub.pem',
		'-days',
		'5',
		'-extfile',
		'ext.cnf',
		'-out',
		'leaf.pem',
	);
	return {
		signer,
		leafPem: folder.readText('leaf.pem'),
		rootPem: folder.readText('root.pem'),
	};
}
