/**
 * How many signatures a second SoftHSM makes, and how many a key file: `node packages/keys/test/hsm/sign-rate.ts`.
 * Every signature is verified, after its window. It measures and asserts nothing.
 */
import { join } from 'node:path';
import requireSoftHsm, { TestToken } from '@chancery/testkit/softhsm';
import { createFileKey, openFileKey } from '../../src/file/file-key.ts';
import { openSigner } from '../../src/open-signer.ts';
import type { Signer } from '../../src/signer.ts';
import { verifySignature } from '../../src/verify-signature.ts';

const WINDOW_MS = 1_000;
const WINDOWS = 3;
const KINDS = [
	['EC:prime256v1', 'ecdsa-sha2-256-nistp256', '01'],
	['EC:secp384r1', 'ecdsa-sha2-384-nistp384', '02'],
	['EC:edwards25519', 'ed25519', '03'],
] as const;

/** Signatures per second of `callers` who each wait for one before they ask for the next. */
async function rate(signer: Signer, callers: number): Promise<number> {
	const made: [Uint8Array, Uint8Array][] = [];
	const startMs = performance.now();
	const ask = async (caller: number) => {
		while (performance.now() - startMs < WINDOW_MS) {
			const message = new TextEncoder().encode(`${caller} ${made.length}`);
			made.push([message, await signer.sign(message)]);
		}
	};
	await Promise.all(Array.from({ length: callers }, (_, caller) => ask(caller)));
	const seconds = (performance.now() - startMs) / 1000;
	for (const [message, signature] of made)
		if (!verifySignature({ publicKey: signer.publicKey, message, signature }))
			throw new Error('a signature does not verify');
	return made.length / seconds;
}

/** The middle one of several windows. */
async function medianRate(signer: Signer, callers: number): Promise<number> {
	const rates: number[] = [];
	for (let i = 0; i < WINDOWS; i++) rates.push(await rate(signer, callers));
	return Math.round(rates.sort((a, b) => a - b)[Math.floor(WINDOWS / 2)]!);
}

requireSoftHsm();
const token = new TestToken();
try {
	for (const [type, algorithm, id] of KINDS) {
		token.makeKey(type, algorithm, id);
		const file = join(token.folder, `${id}.pem`);
		await createFileKey(file, algorithm);
		const signers = {
			SoftHSM: await openSigner(token.uri(`id=%${id}`), { pin: token.pin }),
			file: await openFileKey(file),
		};
		for (const callers of [1, 64])
			for (const [where, signer] of Object.entries(signers))
				process.stdout.write(`${algorithm}  ${callers} at a time  ${where}  ${await medianRate(signer, callers)}/s\n`);
	}
} finally {
	token.close();
}
