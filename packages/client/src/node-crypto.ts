/** The verifier's signature primitives on a server: node:crypto, and noble curves where it cannot verify a digest alone. */
import { verifyDigest } from '@chancery/keys/digest/verify-digest';
import { verifySignature } from '@chancery/keys/verify-signature';
import type { CryptoPort } from '@chancery/verify/crypto-port';

export const nodeCrypto: CryptoPort = { verify: verifySignature, verifyDigest };
