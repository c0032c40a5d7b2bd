#!/usr/bin/env node
/** In the place of a browser: opens the address that it is given, and signs alice in. */
import { signIn } from './login-issuer.ts';

await signIn(process.argv[2] ?? '', 'alice@example.com');
