/** Every secret of a scenario, by name. A registered secret may only be found where an exception allows it. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Secret } from './encodings.ts';

/**
 * The payload of a token is not secret, and its subject is in certificates. But so many encoded characters of it in a row
 * can only come from the token itself.
 */
const PAYLOAD_CHARS = 160;

export class SecretRegistry {
	readonly #secrets = new Map<string, Secret>();
	#count = 0;

	get secrets(): Secret[] {
		return [...this.#secrets.values()];
	}

	/** A password, bearer secret, code or cookie: useful only as a whole. Returns the text. */
	addText(kind: string, text: string): string {
		this.#add(kind, Buffer.from(text), text.length);
		return text;
	}

	/** A compact JWS: the whole token, any part of its signature, its encoded claims, and its unique id. */
	addToken(kind: string, token: string): string {
		this.addText(kind, token);
		const [, payload = '', signature = ''] = token.split('.');
		this.#add(`${kind}: signature`, Buffer.from(signature, 'base64url'));
		this.#add(`${kind}: claims`, Buffer.from(payload), PAYLOAD_CHARS);
		const jti = idOf(payload);
		if (jti !== undefined) this.addText(`${kind}: jti`, jti);
		return token;
	}

	/** The numbers of a private key, in whatever format. Any 16 bytes in a row count as a leak. */
	addKey(kind: string, key: KeyObject | string): void {
		const jwk = (typeof key === 'string' ? createPrivateKey(key) : key).export({ format: 'jwk' });
		for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
			const number = jwk[part];
			if (number !== undefined) this.#add(`${kind}: ${part}`, Buffer.from(number, 'base64url'));
		}
	}

	/** The same text twice is one secret: a cookie is seen again. */
	#add(kind: string, bytes: Buffer, leakBytes?: number): void {
		const key = bytes.toString('latin1');
		if (bytes.length === 0 || this.#secrets.has(key)) return;
		this.#count++;
		const name = `${kind} (${this.#count})`;
		this.#secrets.set(key, leakBytes === undefined ? { name, bytes } : { name, bytes, leakBytes });
	}
}

function idOf(payload: string): string | undefined {
	try {
		const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti?: unknown };
		return typeof jti === 'string' && jti.length >= 16 ? jti : undefined;
	} catch {
		return undefined;
	}
}
