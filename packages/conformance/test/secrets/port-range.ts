/** Where the instances of these suites have their ports; the password server's is above. */
import type { PortRange } from '@chancery/testkit/free-port';

export const PORTS: PortRange = { from: 22_000, to: 22_970 };
