/**
 * The SHA-2 functions where there is only JavaScript: in a browser. `#sha2` is this file there (package.json, `imports`).
 */
export { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
