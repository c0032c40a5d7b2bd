/** The company in whose network the reader of docs/operate works: names that its pages use. */

export const ISSUER = 'https://login.example.com/realms/people';
export const EMAIL = 'you@example.com';
/** The services are below it. */
export const DOMAIN = 'sign.example.com';
const SERVICES = ['identity', 'ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf'];

/** Names of the other machine. */
export const OTHERS = [new URL(ISSUER).hostname, 'db.example.com'] as const;
/** Lines of a hosts file. */
export const HOSTS = `192.0.2.1 ${SERVICES.map((name) => `${name}.${DOMAIN}`).join(' ')}\n192.0.2.2 ${OTHERS.join(' ')}\n`;
