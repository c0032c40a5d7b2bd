/**
 * How fast one core does the log's most frequent operations, before and after everything: when the two differ, the machine changed
 * during the measurement.
 */
import { generateKeyPairSync, hash, randomBytes, sign, verify } from 'node:crypto';

export interface Calibration {
	/** ECDSA P-256 verifications per CPU second. */
	readonly verifies: number;
	/** SHA-256 of 65 bytes, per CPU second. */
	readonly hashes: number;
}

/** More than this between first and last calibration makes a run noisy. */
export const NOISY = 0.1;

export function calibrate(): Calibration {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const message = randomBytes(32);
	const signature = sign('sha256', message, privateKey);
	const node = randomBytes(65);
	return {
		verifies: perCpuSecond(4_000, () => verify('sha256', message, publicKey, signature)),
		hashes: perCpuSecond(400_000, () => hash('sha256', node, 'buffer')),
	};
}

export function isNoisy(first: Calibration, last: Calibration): boolean {
	return Math.abs(last.verifies / first.verifies - 1) > NOISY || Math.abs(last.hashes / first.hashes - 1) > NOISY;
}

function perCpuSecond(times: number, work: () => unknown): number {
	for (let i = 0; i < times / 10; i++) work();
	const before = process.cpuUsage();
	for (let i = 0; i < times; i++) work();
	const { user, system } = process.cpuUsage(before);
	return Math.round(times / ((user + system) / 1e6));
}
