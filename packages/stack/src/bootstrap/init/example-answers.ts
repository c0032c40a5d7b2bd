/** Answers to begin with, printed by `chancery init --example`. Tests read each with the schema of the answers. */

import { PORT_OFFSETS } from '../../port-offsets.ts';
import { RUNNING_SERVICES } from '../../services.ts';

const urls = (names: readonly string[], urlOf: (name: string) => string) =>
	`urls:                 # where clients reach each service, for good\n${names.map((name) => `  ${name}: ${urlOf(name)}\n`).join('')}`;

const NAMES = urls(
	RUNNING_SERVICES.filter((name) => name !== 'identity'),
	(name) => `https://${name}.sign.example.com`,
);

const ISSUERS = `issuers:              # whose identity tokens the CA accepts
  - type: email
    issuer: https://login.example.com/realms/people
# Or a provider of our own in front of theirs (docs/operate/identity.md), with urls.identity:
# identity:
#   connectors:
#     - { type: google, id: https://accounts.google.com, name: Google, clientId: ..., clientSecret: { file: ... } }
`;

export const EXAMPLES = {
	'one-host': `# An instance on one host, behind a proxy on the same host that speaks TLS.
profile: production
organization: Example
${NAMES}${ISSUERS}listen:
  host: 127.0.0.1
  portBase: 7400      # the ports are those of 'chancery up': ca 7402 and so on
  adminPortBase: 7420
database:
  url: postgres:///chancery?host=/var/run/postgresql
marks:
  folder: /var/lib/chancery/marks
`,
	'separate-hosts': `# An instance on two hosts that speak TLS themselves.
profile: production
allow: [exposed-admin]  # the TUF service asks the others on their admin listeners
organization: Example
${NAMES}${ISSUERS}listen:
  host: 0.0.0.0
  portBase: 7400
  adminPortBase: 7420
  tls:
    certificateFile: /etc/chancery/tls/tls.crt
    keyFile: /etc/chancery/tls/tls.key
database:
  url: { file: /etc/chancery/database-url }
marks:
  folder: /var/lib/chancery/marks
hosts:
  authorities: { address: authorities.sign.example.com, services: [ca, tsa, tuf] }
  logs: { address: logs.sign.example.com, services: [log, ctlog] }
`,
	kubernetes: `# An instance for the Helm chart, as the release chancery in the namespace signing.
profile: production
allow: [exposed-admin]  # on the network of the pods; the NetworkPolicies of the chart say who reaches it
organization: Example
${NAMES}${ISSUERS}listen:
  tls:                  # from the Secret chancery-tls
    certificateFile: /etc/chancery/tls/tls.crt
    keyFile: /etc/chancery/tls/tls.key
database:
  url: { file: /etc/chancery/database/url }  # the key url of the Secret chancery-database
marks:
  folder: /var/lib/chancery  # one replica of each role; for more: database: { file: /etc/chancery/database/marks-url }
hosts:                  # one for each role; the names of its admin Service
  ca: { address: chancery-ca-admin.signing.svc, services: [ca] }
  log: { address: chancery-log-admin.signing.svc, services: [log] }
  ctlog: { address: chancery-ctlog-admin.signing.svc, services: [ctlog] }
  tsa: { address: chancery-tsa-admin.signing.svc, services: [tsa] }
  tuf: { address: chancery-tuf-admin.signing.svc, services: [tuf] }
`,
	development: `# For development: any address may sign.
profile: development
organization: Example
${urls(RUNNING_SERVICES, (name) => `http://localhost:${7400 + PORT_OFFSETS[name as keyof typeof PORT_OFFSETS]}`)}identity:
  developmentLogin: true
database:
  url: postgres://chancery@localhost:5432/chancery
marks:
  folder: /var/lib/chancery/marks
`,
} as const;
