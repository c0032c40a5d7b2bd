/**
 * The proof vectors of the transparency-dev project: each file says whether a checker must refuse.
 */
import { describe, expect, it } from 'vitest';
import { isPresent, jsonFiles, VECTORS } from '../test/vectors.ts';
import { checkConsistency, checkInclusion, ProofError } from './proof.ts';

interface InclusionVector {
	readonly leafIdx: number;
	readonly treeSize: number;
	readonly root: string;
	readonly leafHash: string;
	readonly proof: string[] | null;
	readonly wantErr: boolean;
}

interface ConsistencyVector {
	readonly size1: number;
	readonly size2: number;
	readonly root1: string;
	readonly root2: string;
	readonly proof: string[] | null;
	readonly wantErr: boolean;
}

/** Its equal roots are words of twelve bytes; we call nothing a root that is not a hash. */
const ROOTS_THAT_ARE_NO_HASHES = 'additional/sizes-are-equal-one-and-proof-is-empty.json';

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

function verdict(check: () => void): 'accepted' | 'refused' {
	try {
		check();
		return 'accepted';
	} catch (error) {
		expect(error).toBeInstanceOf(ProofError);
		return 'refused';
	}
}

describe.runIf(isPresent(VECTORS))('the proof vectors', () => {
	it('of inclusion get the verdict they ask for', () => {
		const files = jsonFiles<InclusionVector>(`${VECTORS}/merkle/inclusion`);
		expect(files.length).toBeGreaterThan(50);
		for (const { path, content } of files) {
			const found = verdict(() =>
				checkInclusion({
					index: content.leafIdx,
					size: content.treeSize,
					leafHash: bytes(content.leafHash),
					root: bytes(content.root),
					proof: (content.proof ?? []).map(bytes),
				}),
			);
			expect([path, found]).toEqual([path, content.wantErr ? 'refused' : 'accepted']);
		}
	});

	it('of consistency get the verdict they ask for', () => {
		const files = jsonFiles<ConsistencyVector>(`${VECTORS}/merkle/consistency`);
		expect(files.length).toBeGreaterThan(50);
		for (const { path, content } of files) {
			const found = verdict(() =>
				checkConsistency({
					first: content.size1,
					second: content.size2,
					firstRoot: bytes(content.root1),
					secondRoot: bytes(content.root2),
					proof: (content.proof ?? []).map(bytes),
				}),
			);
			const wanted = content.wantErr || path === ROOTS_THAT_ARE_NO_HASHES ? 'refused' : 'accepted';
			expect([path, found]).toEqual([path, wanted]);
		}
	});
});
