/**
 * The PEM files for clients older than the trusted root. Such clients search by the usage in the custom metadata, and by exactly
 * these names. Only the first instance of each kind has a file, because those clients know no validity periods.
 */

import type { TrustMaterial } from '@chancery/chassis/trust-report';
import { utf8 } from '@chancery/core/bytes';
import { encodePem } from '@chancery/core/pem';
import type { TargetDescription } from '../metadata/metadata.ts';
import type { TargetFile } from './publish.ts';

export type LegacyTarget = TargetFile & { readonly custom: NonNullable<TargetDescription['custom']> };

export function legacyTargets(materials: readonly TrustMaterial[]): LegacyTarget[] {
	const files = materials.flatMap(legacyTargetsOf);
	return files.filter((file, i) => files.findIndex(({ name }) => name === file.name) === i);
}

function legacyTargetsOf(material: TrustMaterial): LegacyTarget[] {
	switch (material.kind) {
		case 'certificate-authority': {
			const intermediates = material.certChain.slice(0, -1);
			return [
				certificate('fulcio_v1.crt.pem', 'Fulcio', material.certChain.at(-1), material.uri),
				...intermediates.map((der) => certificate('fulcio_intermediate_v1.crt.pem', 'Fulcio', der, material.uri)),
			];
		}
		case 'timestamp-authority':
			return material.certChain.map((der, i, { length }) => {
				const name =
					i === 0 ? 'tsa_leaf.crt.pem' : i === length - 1 ? 'tsa_root.crt.pem' : `tsa_intermediate_${i - 1}.crt.pem`;
				return certificate(name, 'TSA', der, material.uri);
			});
		case 'ctlog':
			return [publicKey('ctfe.pub', 'CTFE', material.publicKey, material.baseUrl)];
		case 'tlog':
			// These clients use v1 logs only.
			return material.majorApiVersion === 1
				? [publicKey('rekor.pub', 'Rekor', material.publicKey, material.baseUrl)]
				: [];
		case 'identity':
			return [];
	}
}

type Usage = LegacyTarget['custom']['sigstore']['usage'];

function certificate(name: string, usage: Usage, der: string | undefined, uri: string): LegacyTarget {
	return pemTarget(name, usage, 'CERTIFICATE', der ?? '', uri);
}

function publicKey(name: string, usage: Usage, spki: string, uri: string): LegacyTarget {
	return pemTarget(name, usage, 'PUBLIC KEY', spki, uri);
}

function pemTarget(name: string, usage: Usage, label: string, base64: string, uri: string): LegacyTarget {
	const content = utf8(encodePem(label, Uint8Array.fromBase64(base64)));
	return { name, content, custom: { sigstore: { usage, status: 'Active', uri } } };
}
