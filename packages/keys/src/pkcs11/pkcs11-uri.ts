/**
 * PKCS#11 URIs (RFC 7512): which module, which token, which key.
 *
 *     pkcs11:token=CA;object=issuer;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so
 *     pkcs11: attribute *( ";" attribute ) "?" query attribute
 *
 * Attributes before the question mark say what must match; values are percent-encoded UTF-8, of `id` bytes. The grammar
 * is kept to the letter (section 2.3) and narrowed: what is not known is refused, where the RFC has it match nothing or
 * be ignored, because here it is a spelling mistake that would take another key, or none.
 *
 * A URI stands in configuration files and their dumps, so that a PIN has no place in it. Since one may stand there
 * nevertheless, errors repeat neither values nor unknown names, and never anything behind the question mark.
 */
import { KeyError } from '../key-error.ts';

/** Printable attributes of RFC 7512 section 2.3 and what limits their values: the fields of PKCS#11 in bytes. */
const TEXT_ATTRIBUTES = {
	token: 32,
	manufacturer: 32,
	serial: 16,
	model: 16,
	'library-manufacturer': 32,
	'library-description': 32,
	'slot-manufacturer': 32,
	'slot-description': 64,
	object: 255,
} as const satisfies Readonly<Record<string, number>>;

export type Pkcs11TextAttribute = keyof typeof TEXT_ATTRIBUTES;

export interface Pkcs11Uri {
	/** What must match, by attribute; `object` is the label of the key. */
	readonly text: Readonly<Partial<Record<Pkcs11TextAttribute, string>>>;
	/** CKA_ID of the key. */
	readonly id?: Uint8Array;
	readonly slotId?: number;
	/** `3` matches every minor version. */
	readonly libraryVersion?: { readonly major: number; readonly minor?: number };
	/** Absolute path of the module. */
	readonly modulePath: string;
	/** The URI up to the question mark: names the key in errors. */
	readonly name: string;
}

const MAX_URI_CHARS = 4096;
const MAX_ID_BYTES = 255;
const MAX_PATH_BYTES = 1024;
const MAX_SLOT_ID = 0xffff_ffff;

/** pk11-pchar without and with what only the query may hold (`/`, `?`, `|`) or only the path (`&`). */
const PATH_VALUE = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const QUERY_VALUE = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Reads a PKCS#11 URI that names a private key.
 * @throws {KeyError} `bad-uri`, which says what is wrong and repeats no value
 */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
	if (uri.length > MAX_URI_CHARS) throw bad(`is longer than ${MAX_URI_CHARS} characters`);
	const scheme = /^pkcs11:/i.exec(uri)?.[0];
	if (scheme === undefined) throw bad("does not begin with 'pkcs11:'");
	const question = uri.indexOf('?');
	const path = uri.slice(scheme.length, question === -1 ? undefined : question);
	const found: { -readonly [K in keyof Pkcs11Uri]?: Pkcs11Uri[K] } = {};
	const text: Partial<Record<Pkcs11TextAttribute, string>> = {};
	for (const [name, raw] of split(path, ';', PATH_VALUE, 'path')) {
		if (isTextAttribute(name)) text[name] = decodeText(name, raw, TEXT_ATTRIBUTES[name]);
		else if (name === 'id') found.id = decodeId(raw);
		else if (name === 'slot-id') found.slotId = decodeSlotId(raw);
		else if (name === 'library-version') found.libraryVersion = decodeVersion(raw);
		else if (name !== 'type') throw bad('has an attribute in its path that is not known here');
		else if (raw !== 'private') throw bad("must name a private key: 'type' may only be 'private'");
	}
	const modulePath = readQuery(question === -1 ? '' : uri.slice(question + 1));
	return { ...found, text, modulePath, name: `pkcs11:${path}` };
}

/** The query: `module-path` and nothing else. What holds a PIN is refused with the place where it belongs. */
function readQuery(query: string): string {
	let modulePath: string | undefined;
	for (const [name, raw] of split(query, '&', QUERY_VALUE, 'query')) {
		switch (name) {
			case 'module-path':
				modulePath = decodeText(name, raw, MAX_PATH_BYTES);
				break;
			case 'pin-value':
				throw bad(
					"holds a PIN ('pin-value'), which everybody sees who sees the configuration: change the PIN, and say with `pin` where it is, { file } or { env }",
				);
			case 'pin-source':
				throw bad("has 'pin-source': say with `pin` of the key where its PIN is, { file } or { env }");
			case 'module-name':
				throw bad("has 'module-name': name the file of the module with 'module-path'");
			default:
				throw bad('has an attribute in its query that is not known here');
		}
	}
	if (modulePath === undefined) throw bad("names no module: it must end with '?module-path=' and an absolute path");
	if (!modulePath.startsWith('/')) throw bad("needs an absolute path as 'module-path'");
	return modulePath;
}

/** Attributes in their order, each name once. An empty component has none. */
function split(part: string, separator: string, allowed: RegExp, component: string): Map<string, string> {
	const attributes = new Map<string, string>();
	if (part === '') return attributes;
	for (const attribute of part.split(separator)) {
		const equals = attribute.indexOf('=');
		if (equals < 1) throw bad(`has an attribute in its ${component} that is not written name=value`);
		const [name, value] = [attribute.slice(0, equals), attribute.slice(equals + 1)];
		if (!allowed.test(value)) throw bad(`has a character in its ${component} that must be percent-encoded`);
		if (attributes.has(name)) throw bad(`names an attribute of its ${component} twice`);
		attributes.set(name, value);
	}
	return attributes;
}

function isTextAttribute(name: string): name is Pkcs11TextAttribute {
	return Object.hasOwn(TEXT_ATTRIBUTES, name);
}

function decodeBytes(raw: string): Uint8Array {
	const bytes: number[] = [];
	for (let i = 0; i < raw.length; i++) {
		if (raw[i] === '%') {
			bytes.push(Number.parseInt(raw.slice(i + 1, i + 3), 16));
			i += 2;
		} else bytes.push(raw.charCodeAt(i));
	}
	return Uint8Array.from(bytes);
}

function decodeText(name: string, raw: string, maxBytes: number): string {
	const bytes = decodeBytes(raw);
	if (bytes.length === 0) throw bad(`has nothing as '${name}'`);
	if (bytes.length > maxBytes) throw bad(`has more than ${maxBytes} bytes as '${name}'`);
	let text: string;
	try {
		text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw bad(`has bytes that are no UTF-8 as '${name}'`);
	}
	if (CONTROL.test(text)) throw bad(`has a control character in '${name}'`);
	return text;
}

function decodeId(raw: string): Uint8Array {
	const id = decodeBytes(raw);
	if (id.length === 0 || id.length > MAX_ID_BYTES) throw bad(`needs 1 to ${MAX_ID_BYTES} bytes as 'id'`);
	return id;
}

function decodeSlotId(raw: string): number {
	const slot = /^[0-9]{1,10}$/.test(raw) ? Number(raw) : Number.POSITIVE_INFINITY;
	if (slot > MAX_SLOT_ID) throw bad("needs a number of at most 32 bits as 'slot-id'");
	return slot;
}

function decodeVersion(raw: string): { major: number; minor?: number } {
	const parts = /^([0-9]{1,3})(?:\.([0-9]{1,3}))?$/.exec(raw);
	if (parts === null) throw bad("needs a version such as 2 or 2.6 as 'library-version'");
	return { major: Number(parts[1]), ...(parts[2] === undefined ? {} : { minor: Number(parts[2]) }) };
}

function bad(what: string): KeyError {
	return new KeyError('bad-uri', `the PKCS#11 URI ${what}`);
}
