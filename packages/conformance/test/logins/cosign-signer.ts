/** cosign 3 at a desk: told of the instance by its first root, as its people are. */
import { writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { type Certified, expectBundleOf } from './certified.ts';
import type { Desk } from './desk.ts';

export class CosignSigner {
	readonly #desk: Desk;
	readonly #program: string;

	private constructor(desk: Desk, program: string) {
		this.#desk = desk;
		this.#program = program;
	}

	static async open(desk: Desk, program: string): Promise<CosignSigner> {
		const { urls, root } = desk.instance;
		const first = ['--root', root.path, '--root-checksum', root.sha256];
		await desk.mustRun(program, ['initialize', '--mirror', urls.tuf, ...first]);
		await writeFile(desk.file('artifact'), 'what somebody releases\n');
		return new CosignSigner(desk, program);
	}

	/** Begins to sign into the bundle of this name, and then waits for a person. */
	sign(bundle: string, ...options: readonly string[]) {
		return this.#desk.run(this.#program, signing(bundle, options));
	}

	/** The same where it finds no browser. */
	signWithoutBrowser(bundle: string) {
		return this.#desk.runWithoutBrowser(this.#program, signing(bundle, []));
	}

	/** Expects that the bundle is of this person and issuer, to openssl and to cosign. */
	async expectSigned(bundle: string, whom: Certified): Promise<void> {
		expectBundleOf(this.#desk.file(bundle), whom);
		const policy = ['--certificate-identity', whom.email, '--certificate-oidc-issuer', whom.issuer];
		const said = await this.#desk.mustRun(this.#program, ['verify-blob', '--bundle', bundle, ...policy, 'artifact']);
		expect(said).toContain('Verified OK');
	}
}

const signing = (bundle: string, options: readonly string[]) => [
	...['sign-blob', '--yes', ...options, '--bundle', bundle, 'artifact'],
];
