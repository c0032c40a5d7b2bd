/**
 * Which listener of which service serves which routes: the one place that knows. Documentation is printed from it, and
 * a test compares it with what running services have registered.
 */
import { ADMIN_ROUTES } from './administration.ts';
import { CT_ADMIN_ROUTES, CT_ROUTES } from './ct.ts';
import { FULCIO_ROUTES } from './fulcio.ts';
import { IDENTITY_ROUTES, listIdentityEvents } from './identity.ts';
import type { RefusalFamily } from './refusal.ts';
import { getTrustReportV1, REKOR_V1_ROUTES } from './rekor-v1.ts';
import { getTrustReportV2, REKOR_V2_ROUTES } from './rekor-v2.ts';
import type { Route } from './route.ts';
import { getTrustReport } from './trust-report.ts';
import { TSA_ROUTES } from './tsa.ts';
import { TUF_ADMIN_ROUTES, TUF_ROUTES } from './tuf.ts';

export interface DocumentedListener {
	/** Name of its document. */
	readonly document: string;
	readonly service: string;
	/** The listener's name within the service. */
	readonly listener: string;
	readonly title: string;
	/** What the routes alone do not say. */
	readonly description: string;
	readonly refusals: RefusalFamily;
	/** Operation id -> route, in the order of the documentation. */
	readonly routes: Readonly<Record<string, Route>>;
	/** Where `chancery up` has it unless told otherwise. */
	readonly defaultUrl: string;
}

const PROTO_JSON =
	'Bodies are proto3 JSON: members are read by their camelCase or their declared name, bytes in either alphabet of base64.';

/** Its routes need the token of an operator, or of a service where the route only reads. */
function admin(service: string, title: string, routes: Readonly<Record<string, Route>>): DocumentedListener {
	return {
		document: `${service}-admin`,
		service,
		listener: 'admin',
		title: `${title}: administration`,
		description:
			'For operators and other services, never for the public. Every call is authorised by the role of its token, and audited.',
		refusals: 'problem',
		routes: { ...ADMIN_ROUTES, ...routes },
		defaultUrl: 'http://localhost',
	};
}

export const LISTENERS: readonly DocumentedListener[] = [
	{
		document: 'ca',
		service: 'ca',
		listener: 'public',
		title: 'Certificate authority',
		description: `Fulcio v2 and v1 over REST. ${PROTO_JSON}`,
		refusals: 'grpc-gateway',
		routes: FULCIO_ROUTES,
		defaultUrl: 'http://localhost:7402',
	},
	admin('ca', 'Certificate authority', { getTrustReport }),
	{
		document: 'log-v1',
		service: 'log',
		listener: 'v1',
		title: 'Signature log, v1',
		description: 'Rekor v1 over REST.',
		refusals: 'code-message',
		routes: REKOR_V1_ROUTES,
		defaultUrl: 'http://localhost:7403',
	},
	{
		document: 'log-v2',
		service: 'log',
		listener: 'v2',
		title: 'Signature log, v2',
		description: `Rekor v2 over REST, and tiles (https://c2sp.org/tlog-tiles). ${PROTO_JSON}`,
		refusals: 'grpc-gateway',
		routes: REKOR_V2_ROUTES,
		defaultUrl: 'http://localhost:7404',
	},
	admin('log', 'Signature log', { getTrustReportV1, getTrustReportV2 }),
	{
		document: 'ctlog',
		service: 'ctlog',
		listener: 'public',
		title: 'Certificate transparency log',
		description: 'RFC 6962 section 4, and static reads (https://c2sp.org/static-ct-api).',
		refusals: 'text',
		routes: CT_ROUTES,
		defaultUrl: 'http://localhost:7405',
	},
	admin('ctlog', 'Certificate transparency log', { getTrustReport, ...CT_ADMIN_ROUTES }),
	{
		document: 'tsa',
		service: 'tsa',
		listener: 'public',
		title: 'Timestamp authority',
		description:
			'RFC 3161 over HTTP. A DER query that asks for `application/timestamp-reply` is refused in DER, too (RFC 3161 section 2.4.2).',
		refusals: 'code-message',
		routes: TSA_ROUTES,
		defaultUrl: 'http://localhost:7406',
	},
	admin('tsa', 'Timestamp authority', { getTrustReport }),
	{
		document: 'tuf',
		service: 'tuf',
		listener: 'public',
		title: 'TUF repository',
		description: 'Metadata and targets as the TUF specification names them, with consistent snapshots.',
		refusals: 'text',
		routes: TUF_ROUTES,
		defaultUrl: 'http://localhost:7407',
	},
	admin('tuf', 'TUF repository', TUF_ADMIN_ROUTES),
	{
		document: 'identity',
		service: 'identity',
		listener: 'public',
		title: 'Identity provider',
		description:
			"What is ours beside OpenID Connect. The provider's own endpoints and pages below `/auth` (OAuth 2.0 and OpenID Connect) are named by its discovery document. Development tokens and the issuer of workflow tokens exist only where the instance has a development secret.",
		refusals: 'problem',
		routes: IDENTITY_ROUTES,
		defaultUrl: 'http://localhost:7401',
	},
	admin('identity', 'Identity provider', { getTrustReport, listIdentityEvents }),
];
