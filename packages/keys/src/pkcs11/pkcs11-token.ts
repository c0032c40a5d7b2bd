/**
 * A token as its module shows it: found, logged into once, its key opened in several sessions. Runs only in the process
 * that holds the module (`pkcs11-process`), and speaks in codes: what a module says may be anything.
 */
import { stat } from 'node:fs/promises';
import { CURVES, KEYS } from '@chancery/core/algorithms';
import { ChanceryError } from '@chancery/core/chancery-error';
import { derOid } from '@chancery/core/der';
import type pkcs11js from 'pkcs11js';
import type { KeyErrorCode } from '../key-error.ts';
import type { FoundPublicKey, OpenedToken, Pkcs11Algorithm, Pkcs11Request } from './pkcs11-messages.ts';
import type { Pkcs11TextAttribute, Pkcs11Uri } from './pkcs11-uri.ts';

type Binding = typeof pkcs11js;
type Module = pkcs11js.PKCS11;
type Handle = pkcs11js.Handle;

/** Why a token did not open; its message goes behind the name of the key. */
export class TokenRefusal extends ChanceryError<KeyErrorCode> {}

/** Of PKCS#11 3.0, which the binding does not name. */
const CKM_EDDSA = 0x1057;
/** DER of CKA_EC_PARAMS: the object identifier, or for Ed25519 also the name, as a PrintableString. */
const BY_PARAMETERS: ReadonlyMap<string, Pkcs11Algorithm> = new Map<string, Pkcs11Algorithm>([
	[derOid(CURVES['P-256'].oid).toHex(), 'P-256'],
	[derOid(CURVES['P-384'].oid).toHex(), 'P-384'],
	[derOid(KEYS.ed25519.oid).toHex(), 'Ed25519'],
	['130c656477617264733235353139', 'Ed25519'],
]);
const MAX_PUBLIC_KEYS = 8;
const MAX_SIGNATURE_BYTES = 256;

export interface TokenKey {
	readonly opened: OpenedToken;
	/** One call of C_Sign in one of the sessions. Rejects with the name of the return value as message. */
	sign(session: number, data: Uint8Array): Promise<Uint8Array>;
}

/** Opens module, token and key. @throws {TokenRefusal} */
export async function openTokenKey({
	uri,
	pin,
	sessions,
}: Extract<Pkcs11Request, { kind: 'open' }>): Promise<TokenKey> {
	const binding = await loadBinding();
	const module = await loadModule(binding, uri.modulePath);
	const slot = findToken(module, uri);
	const first = attempt('token-missing', 'the token opens no session', () =>
		module.C_OpenSession(slot, binding.CKF_SERIAL_SESSION),
	);
	logIn(binding, module, slot, first, pin);
	const privateKey = findPrivateKey(binding, module, first, uri);
	const algorithm = algorithmOf(binding, module, slot, first, privateKey);
	const handles = [first, ...furtherSessions(binding, module, slot, sessions - 1)];
	const mechanism = { mechanism: algorithm === 'Ed25519' ? CKM_EDDSA : binding.CKM_ECDSA };
	/** The binding does not hold the bytes that it reads in another thread; by session, they lie here until the next. */
	const inputs: Buffer[] = [];
	return {
		opened: {
			kind: 'opened',
			algorithm,
			publicKeys: findPublicKeys(binding, module, first, privateKey),
			sessions: handles.length,
		},
		sign: async (session, data) => {
			const handle = handles[session]!;
			module.C_SignInit(handle, mechanism, privateKey);
			// Of an empty buffer the binding makes a null pointer, which modules refuse: this one has a byte behind its end.
			const input = Buffer.concat([data, Uint8Array.of(0)]).subarray(0, data.length);
			inputs[session] = input;
			return new Uint8Array(await module.C_SignAsync(handle, input, Buffer.alloc(MAX_SIGNATURE_BYTES)));
		},
	};
}

async function loadBinding(): Promise<Binding> {
	try {
		return (await import('pkcs11js')).default;
	} catch {
		throw new TokenRefusal(
			'binding-missing',
			'PKCS#11 is not compiled for this machine: run `npm run build:pkcs11` (it needs a C++ compiler, make and Python)',
		);
	}
}

async function loadModule(binding: Binding, path: string): Promise<Module> {
	const file = await stat(path).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown error');
	if (typeof file === 'string')
		throw new TokenRefusal('module-missing', `no PKCS#11 module is found at its module-path (${file})`);
	const module = new binding.PKCS11();
	attempt('module-failed', 'what lies at its module-path is no PKCS#11 module for this machine', () =>
		module.load(path),
	);
	attempt('module-failed', 'the PKCS#11 module does not start; look at its configuration', () =>
		module.C_Initialize({ flags: binding.CKF_OS_LOCKING_OK }),
	);
	return module;
}

function findToken(module: Module, uri: Pkcs11Uri): Handle {
	const slots = attempt('module-failed', 'the PKCS#11 module does not list its tokens', () =>
		module.C_GetSlotList(true),
	);
	const matching = slots.filter((slot) => {
		try {
			return matches(module, slot, uri);
		} catch {
			// A token that is taken away while we look, or a slot without one.
			return false;
		}
	});
	const [slot] = matching;
	if (slot === undefined)
		throw new TokenRefusal(
			'token-missing',
			`none of the ${slots.length} tokens of this module is the one that the URI names; \`pkcs11-tool --module PATH --list-token-slots\` shows them`,
		);
	if (matching.length > 1)
		throw new TokenRefusal('ambiguous', `${matching.length} tokens are what the URI names; add serial= to it`);
	return slot;
}

function matches(module: Module, slot: Handle, uri: Pkcs11Uri): boolean {
	const library = module.C_GetInfo();
	const place = module.C_GetSlotInfo(slot);
	const token = module.C_GetTokenInfo(slot);
	const shown: Readonly<Partial<Record<Pkcs11TextAttribute, string>>> = {
		token: token.label,
		manufacturer: token.manufacturerID,
		serial: token.serialNumber,
		model: token.model,
		'library-manufacturer': library.manufacturerID,
		'library-description': library.libraryDescription,
		'slot-manufacturer': place.manufacturerID,
		'slot-description': place.slotDescription,
	};
	for (const [name, wanted] of Object.entries(uri.text)) {
		const value = shown[name as Pkcs11TextAttribute];
		// Fields of PKCS#11 have a fixed width and are padded with spaces; some modules pad with zeros.
		if (value !== undefined && withoutPadding(value) !== withoutPadding(wanted)) return false;
	}
	if (uri.slotId !== undefined && Number(slot.readUIntLE(0, 6)) !== uri.slotId) return false;
	const { major, minor } = uri.libraryVersion ?? {};
	const version = library.libraryVersion;
	return (major ?? version.major) === version.major && (minor ?? version.minor) === version.minor;
}

function withoutPadding(text: string): string {
	return text.replace(/[ \0]+$/, '');
}

/** One call of C_Login in the life of this process, whatever it answers. */
function logIn(binding: Binding, module: Module, slot: Handle, session: Handle, pin: string | undefined): void {
	const { flags } = module.C_GetTokenInfo(slot);
	if ((flags & binding.CKF_LOGIN_REQUIRED) === 0) return;
	if (pin === undefined)
		throw new TokenRefusal('pin-missing', 'the token wants a PIN; say with `pin` of the key where it is');
	if ((flags & binding.CKF_USER_PIN_LOCKED) !== 0)
		throw new TokenRefusal('pin-locked', 'the PIN of the token is locked; its security officer can set a new one');
	try {
		module.C_Login(session, binding.CKU_USER, pin);
	} catch (error) {
		const reason = reasonOf(error);
		if (reason === 'CKR_PIN_LOCKED')
			throw new TokenRefusal('pin-locked', 'the PIN of the token is locked; its security officer can set a new one');
		if (/^CKR_PIN_/.test(reason))
			throw new TokenRefusal(
				'pin-wrong',
				`the token does not accept the PIN (${reason})${triesLeft(binding, module, slot)}; one login was tried and none is repeated, because tokens lock themselves: correct the PIN before the next start`,
			);
		throw new TokenRefusal('module-failed', `the token does not let us log in (${reason})`);
	}
}

function triesLeft(binding: Binding, module: Module, slot: Handle): string {
	try {
		const { flags } = module.C_GetTokenInfo(slot);
		if ((flags & binding.CKF_USER_PIN_LOCKED) !== 0) return ' and is now locked';
		if ((flags & binding.CKF_USER_PIN_FINAL_TRY) !== 0) return ' and allows one more try';
		return '';
	} catch {
		return '';
	}
}

function findPrivateKey(binding: Binding, module: Module, session: Handle, uri: Pkcs11Uri): Handle {
	const template: pkcs11js.Template = [{ type: binding.CKA_CLASS, value: binding.CKO_PRIVATE_KEY }];
	if (uri.text.object !== undefined) template.push({ type: binding.CKA_LABEL, value: Buffer.from(uri.text.object) });
	if (uri.id !== undefined) template.push({ type: binding.CKA_ID, value: Buffer.from(uri.id) });
	const found = findObjects(module, session, template, 2);
	if (found.length > 1)
		throw new TokenRefusal('ambiguous', 'several private keys of the token are what the URI names; add id= to it');
	if (found[0] === undefined)
		throw new TokenRefusal(
			'not-found',
			'the token holds no private key of this name; `pkcs11-tool --module PATH --login --list-objects` shows what it holds',
		);
	return found[0];
}

function algorithmOf(
	binding: Binding,
	module: Module,
	slot: Handle,
	session: Handle,
	privateKey: Handle,
): Pkcs11Algorithm {
	const read = (type: number) => attributeOf(module, session, privateKey, type);
	const algorithm = BY_PARAMETERS.get(read(binding.CKA_EC_PARAMS)?.toString('hex') ?? '');
	if (algorithm === undefined)
		throw new TokenRefusal('unsupported-algorithm', 'the key is of another kind than P-256, P-384 and Ed25519');
	if (read(binding.CKA_SIGN)?.[0] === 0)
		throw new TokenRefusal('unsupported-algorithm', 'the token does not let this key sign (CKA_SIGN)');
	if (read(binding.CKA_ALWAYS_AUTHENTICATE)?.[0] === 1)
		throw new TokenRefusal(
			'unsupported-algorithm',
			'the key wants its PIN before each signature (CKA_ALWAYS_AUTHENTICATE), which a service cannot give',
		);
	const wanted = algorithm === 'Ed25519' ? CKM_EDDSA : binding.CKM_ECDSA;
	const offered = attempt('module-failed', 'the token does not list its mechanisms', () =>
		module.C_GetMechanismList(slot),
	);
	if (!offered.includes(wanted)) {
		const name = algorithm === 'Ed25519' ? 'CKM_EDDSA' : 'CKM_ECDSA';
		throw new TokenRefusal('unsupported-algorithm', `the token does not offer ${name}, which ${algorithm} needs`);
	}
	return algorithm;
}

/** Public keys and certificates under the CKA_ID of the private key, or under its label where it has no CKA_ID. */
function findPublicKeys(binding: Binding, module: Module, session: Handle, privateKey: Handle): FoundPublicKey[] {
	const id = attributeOf(module, session, privateKey, binding.CKA_ID);
	const label = attributeOf(module, session, privateKey, binding.CKA_LABEL);
	const name = id?.length ? { type: binding.CKA_ID, value: id } : { type: binding.CKA_LABEL, value: label };
	if (!name.value?.length) return [];
	const under = (kind: number) =>
		findObjects(
			module,
			session,
			[{ type: binding.CKA_CLASS, value: kind }, name as pkcs11js.Attribute],
			MAX_PUBLIC_KEYS,
		);
	const points = under(binding.CKO_PUBLIC_KEY)
		.map((key) => attributeOf(module, session, key, binding.CKA_EC_POINT))
		.filter((point) => point !== undefined)
		.map((point): FoundPublicKey => ({ from: 'point', point: new Uint8Array(point) }));
	const certificates = under(binding.CKO_CERTIFICATE)
		.map((certificate) => attributeOf(module, session, certificate, binding.CKA_VALUE))
		.filter((der) => der !== undefined)
		.map((der): FoundPublicKey => ({ from: 'certificate', der: new Uint8Array(der) }));
	return [...points, ...certificates];
}

function findObjects(module: Module, session: Handle, template: pkcs11js.Template, max: number): Handle[] {
	return attempt('module-failed', 'the token cannot be searched', () => {
		module.C_FindObjectsInit(session, template);
		try {
			return module.C_FindObjects(session, max);
		} finally {
			module.C_FindObjectsFinal(session);
		}
	});
}

/** Undefined where the object has no such attribute, or does not show it. */
function attributeOf(module: Module, session: Handle, object: Handle, type: number): Buffer | undefined {
	try {
		return module.C_GetAttributeValue(session, object, [{ type }])[0]?.value as Buffer | undefined;
	} catch {
		return undefined;
	}
}

/** Tokens have few sessions: what is granted is used, one is enough. */
function furtherSessions(binding: Binding, module: Module, slot: Handle, wanted: number): Handle[] {
	const handles: Handle[] = [];
	try {
		while (handles.length < wanted) handles.push(module.C_OpenSession(slot, binding.CKF_SERIAL_SESSION));
	} catch {
		// CKR_SESSION_COUNT, or whatever a module says instead.
	}
	return handles;
}

function attempt<T>(code: KeyErrorCode, message: string, call: () => T): T {
	try {
		return call();
	} catch (error) {
		throw new TokenRefusal(code, `${message} (${reasonOf(error)})`);
	}
}

/** The name of a return value. Everything else that a binding or a loader says may hold paths, and is left out. */
export function reasonOf(error: unknown): string {
	const [name] = /\bCKR_[A-Z0-9_]+/.exec(error instanceof Error ? error.message : '') ?? [];
	return name ?? 'no reason given';
}
