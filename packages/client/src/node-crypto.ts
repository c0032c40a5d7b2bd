/** The verifier's signature primitives on a server: node:crypto, and curves where it cannot verify a bare digest. */
import { verifyDigest } from '@chancery/keys/digest/verify-digest';
import { verifySignature } from '@chancery/keys/verify-signature';
import type { CryptoPort } from '@chancery/verify/crypto-port';

export const nodeCrypto: CryptoPort = { verify: verifySignature, verifyDigest };
