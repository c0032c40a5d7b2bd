/**
 * Tokens of SoftHSM for the tests: each with its state in a folder of its own, keys made by OpenSC's pkcs11-tool.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, randomInt } from 'node:crypto';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where distributions put the module; SOFTHSM2_MODULE names another place. */
const MODULES = [
	'/usr/lib/softhsm/libsofthsm2.so',
	'/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
	'/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
	'/usr/lib64/pkcs11/libsofthsm2.so',
	'/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

export type TestKeyType = 'EC:prime256v1' | 'EC:secp384r1' | 'EC:edwards25519' | 'rsa:2048';

/** Path of SoftHSM's module; undefined where it is not installed. */
export function softHsmModule(): string | undefined {
	return [process.env.SOFTHSM2_MODULE ?? '', ...MODULES].find((path) => path !== '' && existsSync(path));
}

/** Global setup of the tests with tokens: they are never skipped, and say what they need. */
export default function requireSoftHsm(): void {
	const missing = [
		...(softHsmModule() === undefined || !isInstalled('softhsm2-util') ? ['install softhsm2'] : []),
		...(isInstalled('pkcs11-tool') ? [] : ['install opensc']),
		...(hasBinding() ? [] : ['run `npm run build:pkcs11`']),
	];
	if (missing.length > 0) throw new Error(`not run: PKCS#11 (${missing.join(', ')})`);
}

function hasBinding(): boolean {
	try {
		const keys = createRequire(import.meta.url).resolve('@chancery/keys/open-signer');
		createRequire(keys)('pkcs11js');
		return true;
	} catch {
		return false;
	}
}

/** Whatever it answers: asked for their help, some programs end as if they had failed. */
function isInstalled(program: string): boolean {
	return spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
}

export class TestToken {
	readonly folder: string = mkdtempSync(join(tmpdir(), 'chancery-token-'));
	readonly label = 'chancery test';
	readonly pin: string;
	readonly soPin = '87654321';
	readonly module: string;
	readonly #environment: NodeJS.ProcessEnv;

	/**
	 * Makes an empty token. `SOFTHSM2_CONF` of this process names it from now on, for every key that is opened here.
	 * @throws {Error} where SoftHSM is not installed
	 */
	constructor(pin: string = String(randomInt(1e8, 1e9))) {
		const module = softHsmModule();
		if (module === undefined) throw new Error('not run: PKCS#11 (install softhsm2)');
		this.module = module;
		this.pin = pin;
		mkdirSync(join(this.folder, 'tokens'));
		const configuration = join(this.folder, 'softhsm2.conf');
		writeFileSync(configuration, `directories.tokendir = ${join(this.folder, 'tokens')}\nlog.level = ERROR\n`);
		process.env.SOFTHSM2_CONF = configuration;
		this.#environment = { ...process.env, TOKEN_PIN: pin };
		const names = ['--label', this.label, '--pin', pin, '--so-pin', this.soPin];
		execFileSync('softhsm2-util', ['--init-token', '--free', ...names], { env: this.#environment, stdio: 'pipe' });
	}

	/** The URI of a key: `object` and further attributes are percent-encoded already. */
	uri(attributes: string, module: string = this.module): string {
		return `pkcs11:token=${encodeURIComponent(this.label)};${attributes}?module-path=${encodeURIComponent(module)}`;
	}

	makeKey(type: TestKeyType, label: string, id: string): void {
		this.tool('--login', '--keypairgen', '--key-type', type, '--label', label, '--id', id);
	}

	/** DER of the SubjectPublicKeyInfo: the point that pkcs11-tool shows, put together by node:crypto. */
	publicKey(id: string): Uint8Array {
		const objects = this.tool('--list-objects', '--type', 'pubkey').split('Public Key Object');
		const shown = objects.find((object) => new RegExp(`ID: +${id}$`, 'm').test(object)) ?? '';
		// Inside of an OCTET STRING whose length has one byte.
		const point = Buffer.from(/EC_POINT: +04[0-9a-f]{2}([0-9a-f]+)$/m.exec(shown)![1]!, 'hex');
		const half = (point.length - 1) / 2;
		const [x, y] = [point.subarray(1, 1 + half).toString('base64url'), point.subarray(1 + half).toString('base64url')];
		const key =
			point.length === 32
				? { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }
				: { kty: 'EC', crv: half === 32 ? 'P-256' : 'P-384', x, y };
		return new Uint8Array(createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'der' }));
	}

	/** What pkcs11-tool says of all tokens of the module. */
	listTokens(): string {
		const args = ['--module', this.module, '--list-token-slots'];
		return execFileSync('pkcs11-tool', args, { env: this.#environment, encoding: 'utf8', stdio: 'pipe' });
	}

	/** Runs pkcs11-tool on this token. @throws {Error} with what it said */
	tool(...args: readonly string[]): string {
		const whole = ['--module', this.module, '--token-label', this.label, '--pin', 'env:TOKEN_PIN', ...args];
		return execFileSync('pkcs11-tool', whole, { env: this.#environment, encoding: 'utf8', stdio: 'pipe' });
	}

	/** Pulls the token out of its slot, as far as a token in files can be pulled. */
	remove(): void {
		renameSync(join(this.folder, 'tokens'), join(this.folder, 'removed'));
		mkdirSync(join(this.folder, 'tokens'));
	}

	/** Puts it back. */
	insert(): void {
		rmSync(join(this.folder, 'tokens'), { recursive: true });
		renameSync(join(this.folder, 'removed'), join(this.folder, 'tokens'));
	}

	/** Deletes everything; what uses the token fails from now on. */
	close(): void {
		rmSync(this.folder, { recursive: true, force: true });
	}
}

/** Processes that hold a module for this one, by their ids. Linux. */
export function moduleProcesses(): number[] {
	return readdirSync('/proc')
		.filter((name) => /^[0-9]+$/.test(name) && isModuleProcess(name))
		.map(Number);
}

function isModuleProcess(pid: string): boolean {
	try {
		const parent = /^PPid:\s+([0-9]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
		return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('pkcs11-process');
	} catch {
		// It has ended since.
		return false;
	}
}
