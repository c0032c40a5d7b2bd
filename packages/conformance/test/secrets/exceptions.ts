/** The places whose purpose is to store or to give out a secret. docs/threat-model.md lists the same in words. */
import type { Exception } from './leak-search.ts';

const TOKEN = /^(identity|access|refused|development) token/;

/** What the OpenID provider gives to the right recipient. */
const SIGNING_IN: readonly Exception[] = [
	{
		secret: TOKEN,
		place: /^answer (token endpoint|development token)$/,
		because: 'the token endpoint hands out tokens',
	},
	{
		secret: /^cookie |^authorization code|^state of a sign-in/,
		place: /^answer sign-in page$/,
		because:
			"a sign-in lives in its browser: cookies, the interaction in the pages' addresses, code and state in redirects",
	},
	{
		secret: /^device code/,
		place: /^answer device authorization$/,
		because: 'the program that asks for a device code gets it',
	},
	{
		secret: TOKEN,
		place: /^environment of (chancery (sign|attest)-blob|readlink|dirname)$/,
		because: 'a signing command, and the script that starts it, is given its token in SIGSTORE_ID_TOKEN',
	},
];

export const INSTANCE_EXCEPTIONS: readonly Exception[] = [
	...SIGNING_IN,
	{
		secret: /^key /,
		place: /^file base\/data\/keys\/[a-z0-9-]+\.(pem|jwks\.json)$/,
		because: 'the keys of a development instance are files in the clear',
	},
	{
		secret: /^secret /,
		place: /^file base\/data\/chancery\.json$/,
		because: 'the record of a development instance holds the secrets between its parts',
	},
	{
		secret: TOKEN,
		place: /^output token( --json| for the command line)? stdout$/,
		because: '`chancery token` prints a token',
	},
	{
		secret: TOKEN,
		place: /^arguments of chancery /,
		because: 'the scenario gives commands a token as an argument, to see that they do not repeat it',
	},
	{
		secret: /^(database password|foreign secret)/,
		place: /^environment of (chancery up|readlink|dirname)$/,
		because: 'what the operator has in the environment, DATABASE_URL too, only this process has',
	},
];

export const SERVICES_EXCEPTIONS: readonly Exception[] = [
	...SIGNING_IN,
	{
		secret: /./,
		place: /^file base\/secrets\//,
		because: 'the files to which `{ file }` points in the configuration',
	},
	{
		secret: /^S3 secret key/,
		place: /^environment of log$/,
		because: 'the configuration of the log names the variable with `{ env }`',
	},
	{
		secret: /^(development secret|connector secret|short secret|database password|misplaced secret)/,
		place: /^environment of identity$/,
		because: 'the configuration of the identity provider names variables with `{ env }`',
	},
	{
		secret: /^(PIN|misplaced secret|carried secret)|token/,
		place: /^environment of tsa$/,
		because: 'the configuration of the TSA names variables with `{ env }`; the scenario adds its own',
	},
	{
		secret: /^misplaced secret/,
		place: /^arguments of tsa$/,
		because: 'the scenario gives a service a secret as an argument, to see that it does not repeat it',
	},
];
