/**
 * Enumerations of dev.sigstore.common.v1, which bundles, trusted roots and the v2 log share. The numbers are those of
 * sigstore_common.proto; a schema decodes to the name.
 */
import { enumeration } from './proto-json.ts';

/** dev.sigstore.common.v1.HashAlgorithm. */
export const hashAlgorithm = enumeration({
	0: 'HASH_ALGORITHM_UNSPECIFIED',
	1: 'SHA2_256',
	2: 'SHA2_384',
	3: 'SHA2_512',
	4: 'SHA3_256',
	5: 'SHA3_384',
});

/** dev.sigstore.common.v1.PublicKeyDetails: the type of a key, and how it signs. */
export const publicKeyDetails = enumeration({
	0: 'PUBLIC_KEY_DETAILS_UNSPECIFIED',
	1: 'PKCS1_RSA_PKCS1V5',
	2: 'PKCS1_RSA_PSS',
	3: 'PKIX_RSA_PKCS1V5',
	4: 'PKIX_RSA_PSS',
	5: 'PKIX_ECDSA_P256_SHA_256',
	6: 'PKIX_ECDSA_P256_HMAC_SHA_256',
	7: 'PKIX_ED25519',
	8: 'PKIX_ED25519_PH',
	9: 'PKIX_RSA_PKCS1V15_2048_SHA256',
	10: 'PKIX_RSA_PKCS1V15_3072_SHA256',
	11: 'PKIX_RSA_PKCS1V15_4096_SHA256',
	12: 'PKIX_ECDSA_P384_SHA_384',
	13: 'PKIX_ECDSA_P521_SHA_512',
	14: 'LMS_SHA256',
	15: 'LMOTS_SHA256',
	16: 'PKIX_RSA_PSS_2048_SHA256',
	17: 'PKIX_RSA_PSS_3072_SHA256',
	18: 'PKIX_RSA_PSS_4096_SHA256',
	19: 'PKIX_ECDSA_P384_SHA_256',
	20: 'PKIX_ECDSA_P521_SHA_256',
	21: 'ML_DSA_65',
	22: 'ML_DSA_87',
	23: 'ML_DSA_44',
});
