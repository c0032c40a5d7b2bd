/**
 * Known answers that a way of verifying ECDSA must give before it is trusted in this process: right signatures that it
 * must accept, wrong ones that it must refuse. What a library, a build of OpenSSL or a changed API gets wrong should
 * show here and not in the log.
 */
import type { CurveName } from '@chancery/core/algorithms';
import { derInteger, derSequence } from '@chancery/core/der';
import { digest as digestOf, type HashAlgorithm } from '@chancery/core/sha';
import { type EcPublicKey, parseSpki } from '@chancery/core/spki';
import type { EcdsaBackend } from './ecdsa-backend.ts';
import { bytesToNumber, CURVES, numberToBytes, readEcdsaSignature } from './ecdsa-signature.ts';

export interface KnownSignature {
	readonly curve: CurveName;
	readonly hash: HashAlgorithm;
	/** SubjectPublicKeyInfo, hex. */
	readonly key: string;
	/** DER over KNOWN_MESSAGE, hex. */
	readonly signature: string;
}

export const KNOWN_MESSAGE = new TextEncoder().encode('signature self-test');

/** Made by OpenSSL with keys that were thrown away. The second has a digest that is longer than the order. */
export const KNOWN_SIGNATURES: readonly KnownSignature[] = [
	{
		curve: 'P-256',
		hash: 'SHA2_256',
		key: '3059301306072a8648ce3d020106082a8648ce3d0301070342000474db0a652014c61af0c9dfe9a4ce244386c9ffc5a1c6172b8fd0eb0d454fe8c4177159f5bcff7e33a805615efa46d9d3a83981a902c841dac224ede48a936f07',
		signature:
			'304502205f906a05fbc54daba501b1587e8542563d33fe11ad59e54a18dd7c869ba1db8f02210091035b7782f7a1715d086a023cee9e409551457afacbe4c686de33886714314b',
	},
	{
		curve: 'P-256',
		hash: 'SHA2_512',
		key: '3059301306072a8648ce3d020106082a8648ce3d030107034200046d6ed90a81e189189e6b4e12cb746197b17e1482670271cbbe9ef430db794b3659ba29ff529dbd1c9ff0e9d217bab9dbecffb0f7aa64a8975adae31870c9e03d',
		signature:
			'30450221008a05992b407a821ded0d90308f9eba7eb15d2f1fce352cb028b77daed6f2e32002204905eac46dd137a36d645c42b65c18d0f1ef083dcc922cbe1afdc262572e86eb',
	},
	{
		curve: 'P-384',
		hash: 'SHA2_384',
		key: '3076301006072a8648ce3d020106052b81040022036200045f2420e5a3e8066435787e1e870f5136a35edf4e55b829bfdd2f47786e3d6b9a0f897d0ab3e73d85baf952a9a9a1962ff320ac96fd95f23d77a5b6c720d8cb5afb9301b4fcad714b53741dc50b46ae237886311b75ec29c704617215cfda10cc',
		signature:
			'306502300bed4d1dc6fbe900ec72d16e9514ea95dfccd3168b6c0afa94f042744c39fff2f131f8c413e78064cdd5c5706eef01f5023100ac72411018deac0f11793e9c45c00bb8cde6c5945786a06eabaf9e693f3ad39ed23b678e902f57825d2ef538dcdaf031',
	},
	{
		curve: 'P-521',
		hash: 'SHA2_512',
		key: '30819b301006072a8648ce3d020106052b810400230381860004013bd72e9e2dce44b73882996d08f4b653c90253acddc0ae1fd4e1d47b7054501b4d5199e5117aff6228bcbd6fd778fe91687d39fd4045cf4e73ed8a1a42a673fd1200fbfe1b13a316cd5ae4d07875bd9fb59b6fcbfe9aef60d8778999044688365128c5007b6687658bc02747788343adbe90bb676132fba5fc21c250194afc11ef5293',
		signature:
			'308187024136528b54f7534e489fe625e358e7b59f6bc13cb508664af0deaff9aaae5a46b835ff444e1e1e531df9765bdd8ff2e020b44f9d7053a9b179456b5ec429df0de3ca0242010d3448fb335e6410b70a77d54c57ff730c2bde20f661916c0bca73e0462e01ace91e21bec4481bf79e2a2dc7015a301f699411d13b0d78c4442e387f2fbce6792d',
	},
];

/** What the backend got wrong, in words; undefined when it got everything right. */
export function ecdsaSelfTest(backend: EcdsaBackend): string | undefined {
	for (const known of KNOWN_SIGNATURES) {
		for (const [what, wanted, verify] of questions(backend, known)) {
			const name = `${what} on ${known.curve} with ${known.hash}`;
			try {
				if (verify() !== wanted) return `${wanted ? 'refused' : 'accepted'} ${name}`;
			} catch (error) {
				return `failed at ${name}: ${error instanceof Error ? error.message : String(error)}`;
			}
		}
	}
	return undefined;
}

type Question = readonly [what: string, wanted: boolean, verify: () => boolean];

/** A sign lost in the arithmetic shows with the negated key, a lost range or half of the digest with the others. */
function questions(backend: EcdsaBackend, { curve, hash, key, signature }: KnownSignature): readonly Question[] {
	const right = Uint8Array.fromHex(signature);
	const numbers = readEcdsaSignature(curve, right);
	if (numbers === undefined) throw new Error('a known signature does not parse');
	const { r, s } = numbers;
	const { Fn } = CURVES[curve].Point;
	const digest = digestOf(hash, KNOWN_MESSAGE);
	const owner = parseSpki(Uint8Array.fromHex(key));
	if (owner.algorithm !== 'ec') throw new Error('a known key is not an EC key');
	const ask = (changes: { key?: EcPublicKey; digest?: Uint8Array; r?: bigint; s?: bigint }) => () => {
		const asked = { r, s, key: owner, digest, ...changes };
		const encoded = derSequence(derInteger(asked.r), derInteger(asked.s));
		return backend.verify({ hash, ...asked, signature: encoded });
	};
	return [
		['a right signature', true, ask({})],
		['the other half of a signature', true, ask({ s: Fn.ORDER - s })],
		['a wrong signature', false, ask({ s: s ^ 1n })],
		['a signature with a wrong point', false, ask({ r: r ^ 1n })],
		['a signature over another digest', false, ask({ digest: digest.map((byte, i) => (i === 7 ? byte ^ 16 : byte)) })],
		['a signature of a point beside its curve', false, ask({ key: { ...owner, ecPoint: beside(owner.ecPoint) } })],
		['a signature of the opposite key', false, ask({ key: opposite(owner) })],
	];
}

/** The key with the same x and the other y. */
function opposite(key: EcPublicKey): EcPublicKey {
	const { Fp } = CURVES[key.curve].Point;
	const y = bytesToNumber(key.ecPoint.subarray(1 + Fp.BYTES));
	const point = key.ecPoint.slice();
	point.set(numberToBytes(Fp.ORDER - y, Fp.BYTES), 1 + Fp.BYTES);
	return { ...key, ecPoint: point };
}

function beside(point: Uint8Array): Uint8Array {
	return point.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
}
