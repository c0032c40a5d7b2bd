import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { oneByteChanges } from '../test/every-byte.ts';
import { fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from './bytes.ts';
import {
	ecdsaKeyHash,
	ed25519KeyHash,
	formatNote,
	formatVerifierKey,
	NOTE_ED25519,
	NOTE_RFC6962_TREE_HEAD,
	NoteError,
	type NoteErrorReason,
	type NoteVerifier,
	openNote,
	parseNote,
	parseVerifierKey,
} from './note.ts';
import { ed25519Spki } from './spki.ts';

const VKEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const TEXT = 'This is an example message.\n';
const LINE =
	'— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const NOTE = `${TEXT}\n${LINE}`;

/** A verifier whose signature check is OpenSSL's. */
function ed25519Verifier(name: string, publicKey: Uint8Array): NoteVerifier {
	const key = createPublicKey({ key: Buffer.from(ed25519Spki(publicKey)), format: 'der', type: 'spki' });
	return {
		name,
		keyHash: ed25519KeyHash(name, publicKey).subarray(0, 4),
		verify: ({ text, signature }) => verify(null, text, key, signature),
	};
}

const knownKey = parseVerifierKey(VKEY);
const known = ed25519Verifier(knownKey.name, knownKey.key);

/** A key of our own, to write notes with. */
function makeSigner(name: string) {
	const { publicKey, privateKey } = generateKeyPairSync('ed25519');
	const raw = rawEd25519(publicKey);
	const keyHash = ed25519KeyHash(name, raw).subarray(0, 4);
	return {
		verifier: ed25519Verifier(name, raw),
		sign: (text: string) => ({ name, keyHash, signature: new Uint8Array(sign(null, utf8(text), privateKey)) }),
	};
}

function rawEd25519(key: KeyObject): Uint8Array {
	return new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url'));
}

async function reasonOf(opening: Promise<unknown>): Promise<NoteErrorReason | 'opened'> {
	try {
		await opening;
		return 'opened';
	} catch (error) {
		expect(error).toBeInstanceOf(NoteError);
		return (error as NoteError).code;
	}
}

describe('the known note', () => {
	it('opens with its key, from text and from bytes', async () => {
		for (const note of [NOTE, utf8(NOTE)]) {
			const opened = await openNote(note, [known]);
			expect(opened.text).toBe(TEXT);
			expect(opened.verified.map(({ name }) => name)).toEqual(['example.com/foo']);
			expect(opened.unverified).toEqual([]);
		}
	});

	it('is written again exactly as it was read', () => {
		const { text, signatures } = parseNote(NOTE);
		expect(formatNote(text, signatures)).toBe(NOTE);
	});

	it('does not open after any change of one byte', async () => {
		for (const changed of oneByteChanges(utf8(NOTE))) {
			const reason = await reasonOf(openNote(changed, [known]));
			expect(['malformed', 'bad-signature', 'no-verified-signature']).toContain(reason);
		}
	});
});

describe('opening a note', () => {
	const [log, witness, stranger] = ['log.example', 'witness.example', 'stranger.example'].map(makeSigner) as [
		ReturnType<typeof makeSigner>,
		ReturnType<typeof makeSigner>,
		ReturnType<typeof makeSigner>,
	];
	const text = 'log.example\n5\n';

	it('sorts known from unknown signatures, whatever their order', async () => {
		const signatures = [stranger.sign('something else\n'), witness.sign(text), log.sign(text)];
		const opened = await openNote(formatNote(text, signatures), [log.verifier, witness.verifier]);
		expect(opened.verified.map(({ name }) => name)).toEqual(['witness.example', 'log.example']);
		expect(opened.unverified.map(({ name }) => name)).toEqual(['stranger.example']);
	});

	it('ends the text at the last empty line', async () => {
		const twoParts = 'one\n\ntwo\n';
		const opened = await openNote(formatNote(twoParts, [log.sign(twoParts)]), [log.verifier]);
		expect(opened.text).toBe(twoParts);
	});

	it('needs the name and the hash of a key to match', async () => {
		const renamed = { ...log.sign(text), name: 'other.example' };
		expect(await reasonOf(openNote(formatNote(text, [renamed]), [log.verifier]))).toBe('no-verified-signature');
		const rehashed = { ...log.sign(text), keyHash: Uint8Array.of(1, 2, 3, 4) };
		expect(await reasonOf(openNote(formatNote(text, [rehashed]), [log.verifier]))).toBe('no-verified-signature');
	});

	it.each<[NoteErrorReason, () => Promise<unknown>]>([
		['no-verified-signature', () => openNote(formatNote(text, [stranger.sign(text)]), [log.verifier])],
		['no-verified-signature', () => openNote(formatNote(text, [log.sign(text)]), [])],
		['bad-signature', () => openNote(formatNote(text, [log.sign('log.example\n6\n')]), [log.verifier])],
		['bad-signature', () => openNote(formatNote(text, [log.sign(text), log.sign('log.example\n6\n')]), [log.verifier])],
		['ambiguous-key', () => openNote(formatNote(text, [log.sign(text)]), [log.verifier, log.verifier])],
	])('fails with %s', async (reason, open) => {
		expect(await reasonOf(open())).toBe(reason);
	});

	it('waits for verifiers that answer later', async () => {
		const late: NoteVerifier = {
			...log.verifier,
			verify: async (signed) => log.verifier.verify(signed),
		};
		expect((await openNote(formatNote(text, [log.sign(text)]), [late])).verified).toHaveLength(1);
		const refusing: NoteVerifier = { ...log.verifier, verify: async () => false };
		expect(await reasonOf(openNote(formatNote(text, [log.sign(text)]), [refusing]))).toBe('bad-signature');
	});
});

describe('a note is malformed', () => {
	const signature = toBase64(new Uint8Array(68));
	it.each([
		['when empty', ''],
		['without signatures', `${TEXT}\n`],
		['without an empty line', `${TEXT}${LINE}`],
		['without a last line feed', NOTE.slice(0, -1)],
		['with a line feed too many', `${NOTE}\n`],
		['with a carriage return', NOTE.replaceAll('\n', '\r\n')],
		['with a NUL', `a\0${NOTE}`],
		['with a tab', `\t${NOTE}`],
		['with half of a surrogate pair', `\ud800${NOTE}`],
		['with a hyphen for the dash', NOTE.replace('— ', '- ')],
		['with two spaces', NOTE.replace('— ', '—  ')],
		['with a name that holds +', `${TEXT}\n— a+b ${signature}\n`],
		['with a name that holds a Unicode space', `${TEXT}\n— a\u00a0b ${signature}\n`],
		['with an empty name', `${TEXT}\n—  ${signature}\n`],
		['with a third word', `${TEXT}\n— a ${signature} b\n`],
		['with a signature that is not base64', `${TEXT}\n— a !!!!\n`],
		['with a signature that is only a key hash', `${TEXT}\n— a ${toBase64(new Uint8Array(4))}\n`],
		['with 101 signatures', `${TEXT}\n${LINE.repeat(101)}`],
		['when longer than a million bytes', `${'a'.repeat(1_000_000)}\n\n${LINE}`],
	])('%s', (_what, note) => {
		expect(() => parseNote(note)).toThrow(NoteError);
		expect(() => parseNote(note)).toThrow(/signed note/);
	});

	it('when it is not UTF-8', () => {
		expect(() => parseNote(Uint8Array.of(0xff, 0x0a, 0x0a))).toThrow(NoteError);
	});

	it('and is not written either', () => {
		const signatures = parseNote(NOTE).signatures;
		expect(() => formatNote('no line feed', signatures)).toThrow(NoteError);
		expect(() => formatNote(TEXT, [])).toThrow(NoteError);
		expect(() => formatNote(TEXT, [{ ...signatures[0]!, name: 'a b' }])).toThrow(NoteError);
		expect(() => formatNote(TEXT, [{ ...signatures[0]!, keyHash: new Uint8Array(5) }])).toThrow(NoteError);
	});

	it('or reads back to itself, after random damage', () => {
		const random = new SeededRandom(7);
		for (let i = 0; i < 3000; i++) {
			const damaged = random.mangle(utf8(NOTE));
			try {
				const { text, signatures } = parseNote(damaged);
				expect(formatNote(text, signatures)).toBe(fromUtf8(damaged));
			} catch (error) {
				expect(error).toBeInstanceOf(NoteError);
			}
		}
	});
});

describe('verifier keys', () => {
	it('are written again as they were read', () => {
		expect(formatVerifierKey(knownKey)).toBe(VKEY);
		expect(knownKey).toMatchObject({ name: 'example.com/foo', type: NOTE_ED25519 });
	});

	it('do not survive any change of one byte', () => {
		for (const changed of oneByteChanges(utf8(VKEY))) {
			const text = new TextDecoder('latin1').decode(changed);
			expect(() => parseVerifierKey(text)).toThrow(NoteError);
		}
	});

	it('hash as the logs that are out there publish', () => {
		const v2 = fromBase64('MCowBQYDK2VwAyEAPn+AREHoBaZ7wgS1zBqpxmLSGnyhxXj4lFxSdWVB8o8=').subarray(12);
		expect(toHex(ed25519KeyHash('log2025-alpha1.rekor.sigstage.dev', v2))).toBe(
			'f30d5a999d92e662484244263f174cb8eacbfe8264bc583d32741799e3825dc9',
		);
		const v1 =
			'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==';
		expect(toHex(ecdsaKeyHash(fromBase64(v1)))).toBe(
			'c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d',
		);
	});

	it('of RFC 6962 tree heads hash the log id', () => {
		const spki =
			'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENDhVrTtcQebbk/R6YW8Gt1RW+WZ8qscHUsI2/TW5f7bu+mEst2lskXbR9HEBQvyhkYKVTuigQjgZvDYqRhcn0Q==';
		const name = 'halloumi2026h2.log.ct.ipng.ch';
		const vkey = formatVerifierKey({ name, type: NOTE_RFC6962_TREE_HEAD, key: fromBase64(spki) });
		expect(vkey.startsWith(`${name}+53348351+`)).toBe(true);
		expect(parseVerifierKey(vkey).keyHash).toEqual(fromHex('53348351'));
	});

	it.each([
		['', 'nothing'],
		['a+b', 'two parts'],
		['+00000000+AAAA', 'no name'],
		['a b+00000000+AAAA', 'a space in the name'],
		[VKEY.replace('530d903a', '530D903A'), 'capitals'],
		[VKEY.slice(0, -4), 'a short key'],
		['a+00000000+AQ==', 'a type without key'],
	])('refuse %j (%s)', (vkey) => {
		expect(() => parseVerifierKey(vkey)).toThrow(NoteError);
	});
});
