/**
 * npm's `sigstore` and `@sigstore/sign` in a process of their own, because Node reads its trust for TLS once, when it
 * starts. Answers one order after the other, and ends when nobody can give one any more.
 */
import { readFile } from 'node:fs/promises';
import { bundleToJSON } from '@sigstore/bundle';
import { SigningConfig } from '@sigstore/protobuf-specs';
import { bundleBuilderFromSigningConfig } from '@sigstore/sign';
import * as sigstore from 'sigstore';

const IN_TOTO = 'application/vnd.in-toto+json';

interface What {
	/** An artifact, or a statement. */
	readonly file: string;
	readonly isStatement: boolean;
}

export type NpmOrder =
	| ({ readonly do: 'sign'; readonly options: sigstore.SignOptions } & What)
	| ({ readonly do: 'sign by configuration'; readonly signingConfig: string; readonly token: string } & What)
	| ({ readonly do: 'verify'; readonly bundle: string; readonly options: sigstore.VerifyOptions } & What);

/** A bundle for a signature, nothing for what verifies, or words of the failure with all its causes. */
export type NpmAnswer = { readonly bundle?: unknown } | { readonly failed: string };

async function carryOut(order: NpmOrder): Promise<NpmAnswer> {
	const { file, isStatement } = order;
	const bytes = await readFile(file);
	switch (order.do) {
		case 'sign': {
			const { options } = order;
			return {
				bundle: isStatement ? await sigstore.attest(bytes, IN_TOTO, options) : await sigstore.sign(bytes, options),
			};
		}
		case 'sign by configuration': {
			const builder = bundleBuilderFromSigningConfig({
				signingConfig: SigningConfig.fromJSON(JSON.parse(await readFile(order.signingConfig, 'utf8'))),
				identityProvider: { getToken: async () => order.token },
				bundleType: isStatement ? 'dsseEnvelope' : 'messageSignature',
			});
			return { bundle: bundleToJSON(await builder.create({ data: bytes, ...(isStatement ? { type: IN_TOTO } : {}) })) };
		}
		case 'verify': {
			const bundle = JSON.parse(await readFile(order.bundle, 'utf8')) as sigstore.Bundle;
			await (isStatement ? sigstore.verify(bundle, order.options) : sigstore.verify(bundle, bytes, order.options));
			return {};
		}
	}
}

/** The libraries say in a cause what did not work. */
function wordsOf(error: unknown): string {
	const words: string[] = [];
	for (let at = error; at instanceof Error && words.length < 8; at = at.cause) words.push(at.message);
	return words.length > 0 ? words.join(': ') : String(error);
}

process.on('message', (order: NpmOrder) => {
	carryOut(order)
		.catch((error: unknown) => ({ failed: wordsOf(error) }))
		.then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit());
