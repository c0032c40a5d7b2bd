/**
 * `chancery self-test`: proves from outside that an instance of `chancery init` works, as any client would see it, and
 * leaves the files that clients are pointed at beside its root of trust.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { selfTest } from '@chancery/client/self-test';
import { writeDurably } from '@chancery/postgres/file-modes';
import { authIssuer } from '@chancery/wire/identity';
import type { Answers } from '../bootstrap/init/answers.ts';
import { PLACES } from '../bootstrap/init/init-material.ts';
import { hostOf, layoutOf } from '../bootstrap/init/layout.ts';
import { type ClientFiles, writeClientFiles } from '../development/client-files.ts';
import { mintToken } from '../development/mint-token.ts';
import { Refusal } from '../instance/refusal.ts';

export interface SelfTestOrder {
	/** Folder of `chancery init`. */
	readonly folder: string;
	readonly answers: Answers;
	/** Undefined: a development token, where the instance has a provider of its own. */
	readonly token: { readonly identityToken: string; readonly email: string; readonly issuer: string } | undefined;
	/** Path of the file that is signed. */
	readonly artifact: string;
	readonly fetch: typeof fetch;
	readonly onStep: (message: string) => void;
}

const EMAIL = 'self-test@localhost.example';

export interface SelfTestOutcome {
	readonly issuer: string;
	readonly files: ClientFiles;
	/** Path of the private TLS authority that clients have to be told of; undefined: there is none. */
	readonly tlsCa: string | undefined;
}

/** @throws {ClientError | VerifyError} naming the step that failed; {Refusal} when there is no token */
export async function runSelfTest(order: SelfTestOrder): Promise<SelfTestOutcome> {
	const { folder, answers } = order;
	const { trust: trustFolder } = layoutOf(folder, answers);
	const mirror = answers.urls.tuf;
	if (mirror === undefined) throw new Refusal('the answers name no address of the TUF service');
	const initialRoot = new Uint8Array(await readFile(join(trustFolder, 'root.json')));
	const cacheDir = join(trustFolder, 'self-test-cache');
	const { identityToken, email, issuer } = order.token ?? (await developmentToken(order));
	const trust = await selfTest({
		tuf: { mirror, cacheDir, initialRoot },
		identityToken,
		email,
		issuer,
		artifact: { name: basename(order.artifact), bytes: new Uint8Array(await readFile(order.artifact)) },
		fetch: order.fetch,
		clock: Date.now,
		random: randomBytes,
		onStep: order.onStep,
	});
	const files = await writeClientFiles({ trust: trustFolder }, initialRoot, trust);
	return { issuer, files, tlsCa: answers.developmentTls ? await copyTlsCa(folder, trustFolder) : undefined };
}

/** Beside the other files for clients. */
async function copyTlsCa(folder: string, trustFolder: string): Promise<string> {
	const path = join(trustFolder, 'tls-ca.pem');
	await writeDurably(path, await readFile(join(folder, PLACES.tls, 'tls-ca-certificate.pem')), 0o644);
	return path;
}

async function developmentToken({ folder, answers }: SelfTestOrder) {
	const url = answers.urls.identity;
	if (url === undefined)
		throw new Refusal('this instance has no provider of its own; give --identity-token, --email and --issuer');
	const place = join(hostOf(layoutOf(folder, answers), 'identity').folder, PLACES.developmentSecret);
	const secret = (await readFile(place, 'utf8')).trimEnd();
	const identityToken = await mintToken({ url, secret, audience: 'sigstore', email: EMAIL });
	return { identityToken, email: EMAIL, issuer: authIssuer(url) };
}
