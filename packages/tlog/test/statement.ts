/**
 * What the logs of the tests sign: the head in plain words, so that anyone can check it without the code under test.
 * Free of the test runner, because the process that gets killed uses it too.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { LogIdentity } from '../src/log-identity.ts';

export interface SignedHead {
	readonly size: number;
	readonly root: Uint8Array;
	readonly timestampMs: number;
}

export function statement({ size, root, timestampMs }: SignedHead): Buffer {
	return Buffer.from(`${size} ${Buffer.from(root).toString('hex')} ${timestampMs}`);
}

export function signStatement(head: SignedHead, privateKey: KeyObject): Uint8Array {
	return new Uint8Array(sign(null, statement(head), privateKey));
}

export function isSigned(head: SignedHead, signature: Uint8Array, privateKey: KeyObject): boolean {
	return verify(null, statement(head), createPublicKey(privateKey), signature);
}

let counter = 0;

/** Not deterministic, like ECDSA: a receipt that is signed twice shows. */
export function makeReceipt({ index, timestampMs }: { index: number; timestampMs: number }): Uint8Array {
	return new TextEncoder().encode(`${index} ${timestampMs} ${process.pid}.${counter++}`);
}

export function identityOf(privateKey: KeyObject): LogIdentity {
	return {
		logId: 'tested',
		origin: 'log.example/tested',
		treeId: null,
		wire: 'rekor-v2',
		codec: 'tlog-tiles',
		publicKey: new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
		mode: 'development',
	};
}
