/**
 * Requests to an S3-compatible server: signed, bounded in time and size, tried again when the server was the problem.
 *
 * The object store is one operator's choice and not an attacker's, but it is a network away: nothing that it answers
 * grows without bound, and no redirect takes our credentials elsewhere.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { ObjectStoreError } from './object-store-error.ts';

/** A value that does not print itself, as the configuration makes them. */
export interface Concealed {
	reveal(): string;
}

export interface S3Target {
	/** URL of the server, without the bucket: `https://s3.eu-central-1.amazonaws.com`. */
	readonly endpoint: string;
	readonly bucket: string;
	/** Put before every name, with a slash between; empty for none. */
	readonly prefix: string;
	readonly region: string;
	readonly accessKeyId: Concealed;
	readonly secretAccessKey: Concealed;
	/** Of temporary credentials. */
	readonly sessionToken?: Concealed | undefined;
	/** How long one answer may take, in milliseconds; by default 60 s, for large objects. */
	readonly timeoutMs?: number;
}

export interface S3Reply {
	readonly status: number;
	readonly etag: string | undefined;
	readonly body: Uint8Array;
}

export interface S3Request {
	readonly method: 'GET' | 'HEAD' | 'PUT';
	/** Name of the object below the prefix. */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: Uint8Array;
}

const TIMEOUT_MS = 60_000;
export const TRIES = 4;
const FIRST_PAUSE_MS = 200;
/** 256 log entries of the largest kind, and more. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;
const MAX_MESSAGE_CHARS = 300;
const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** What a server answers that could not serve now: another try may succeed. */
const TRY_AGAIN = new Set([408, 429, 500, 502, 503, 504]);

/** Answers that say something about the object; all others are refusals. */
const ANSWERS = new Set([200, 204, 404, 409, 412]);

/**
 * Sends a request, again after failures of server and network, `tries` times at most. A write whose answer got lost is
 * sent again too: it carries its condition, so the second one either is the first or is refused.
 * @throws {ObjectStoreError} for every status that does not say how it went; the server's own words are in the message
 */
export async function requestS3(target: S3Target, request: S3Request, tries: number = TRIES): Promise<S3Reply> {
	for (let attempt = 1; ; attempt++) {
		const outcome = await tryOnce(target, request);
		if (!(outcome instanceof ObjectStoreError)) {
			if (ANSWERS.has(outcome.status)) return outcome;
			if (!TRY_AGAIN.has(outcome.status) || attempt >= tries) throw refusal(target, request, outcome);
		} else if (attempt >= tries) throw outcome;
		await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
	}
}

async function tryOnce(target: S3Target, request: S3Request): Promise<S3Reply | ObjectStoreError> {
	const { method, headers = {}, body } = request;
	const signed = await new AwsV4Signer({
		method,
		url: urlOf(target, request.path),
		// The hash is signed with the request: what arrives is what was sent, over plain HTTP too.
		headers: { ...headers, 'x-amz-content-sha256': body ? sha256Hex(body) : EMPTY_SHA256 },
		accessKeyId: target.accessKeyId.reveal(),
		secretAccessKey: target.secretAccessKey.reveal(),
		...(target.sessionToken ? { sessionToken: target.sessionToken.reveal() } : {}),
		service: 's3',
		region: target.region,
	}).sign();
	try {
		const response = await fetch(signed.url, {
			method,
			headers: signed.headers,
			...(body ? { body: new Uint8Array(body) } : {}),
			redirect: 'manual',
			signal: AbortSignal.timeout(target.timeoutMs ?? TIMEOUT_MS),
		});
		return {
			status: response.status,
			etag: response.headers.get('etag') ?? undefined,
			body: await readBounded(response),
		};
	} catch (cause) {
		const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
		const reason = oneLine(inner instanceof Error ? inner.message : String(inner));
		return new ObjectStoreError(`${method} ${request.path} at ${nameOf(target)} got no answer: ${reason}`, { cause });
	}
}

async function readBounded(response: Response): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of response.body ?? []) {
		length += part.length;
		if (length > MAX_REPLY_BYTES) throw new Error(`the answer is longer than ${MAX_REPLY_BYTES} bytes`);
		parts.push(part);
	}
	return new Uint8Array(Buffer.concat(parts));
}

function refusal(target: S3Target, request: S3Request, { status, body }: S3Reply): ObjectStoreError {
	const text = new TextDecoder().decode(body.subarray(0, 4096));
	const words = ['Code', 'Message'].map((tag) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1] ?? '');
	const said = oneLine(concealed(target, words.filter(Boolean).join(': ')));
	return new ObjectStoreError(
		`${request.method} ${request.path} at ${nameOf(target)} was answered ${status}${said ? ` (${said})` : ''}`,
	);
}

/** Words that a server, or what read its answer, has chosen. */
function oneLine(words: string): string {
	return words
		.replaceAll(/\s+/g, ' ')
		.replaceAll(/[^\x20-\x7e]/g, '?')
		.slice(0, MAX_MESSAGE_CHARS);
}

/** Some servers repeat the request that they refuse, and with it the session token that we sent. */
function concealed({ sessionToken, secretAccessKey }: S3Target, words: string): string {
	return [sessionToken, secretAccessKey]
		.map((secret) => secret?.reveal())
		.reduce<string>((text, secret) => (secret ? text.replaceAll(secret, '[redacted]') : text), words);
}

/** For messages. */
export function nameOf({ endpoint, bucket, prefix }: S3Target): string {
	return `bucket ${bucket}${prefix ? `/${prefix}` : ''} of ${endpoint}`;
}

function urlOf({ endpoint, bucket, prefix }: S3Target, path: string): string {
	return `${endpoint.replace(/\/+$/, '')}/${bucket}/${prefix ? `${prefix}/` : ''}${path}`;
}

function sha256Hex(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}
