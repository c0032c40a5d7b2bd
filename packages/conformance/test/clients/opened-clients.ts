/** Opens every client that was found: those that sign bundles, and those that verify them. */
import { join } from 'node:path';
import type { ClientName } from '@chancery/testkit/peers/peer-table';
import { inject } from 'vitest';
import type { Place, Signer, Verifier } from './client.ts';
import { openCosign2, openCosign3 } from './cosign.ts';
import { openNpmSigstore, openSigstoreSign } from './npm-clients.ts';
import { openOurCommand } from './our-command.ts';
import type { Workplace } from './places.ts';
import { openSigstorePython } from './sigstore-python.ts';

/** The program of a client; undefined when it was reported as not run. */
export function programOf(name: ClientName): string | undefined {
	const found = inject('clients')[name];
	return 'path' in found ? found.path : undefined;
}

export async function openClients({ folder, home, foreign }: Workplace): Promise<{
	signers: readonly Signer[];
	verifiers: readonly Verifier[];
}> {
	const places = [home, foreign];
	const open = async <T>(name: ClientName, how: (path: string, folder: string, places: Place[]) => Promise<T>) => {
		const program = programOf(name);
		return program === undefined ? [] : [await how(program, join(folder, name), places)];
	};
	const both = [
		await openOurCommand(join(folder, 'chancery'), places),
		...(await open('cosign 3', openCosign3)),
		...(await open('cosign 2', openCosign2)),
		...(await open('sigstore-python', openSigstorePython)),
		...(await open('sigstore', (_path, ...rest) => openNpmSigstore(...rest))),
	];
	return {
		verifiers: both,
		signers: [...both, ...(await open('@sigstore/sign', (_path, own) => openSigstoreSign(own)))],
	};
}
