/**
 * Every program of other people that tests and comparisons run, where it comes from and in which version: the one place
 * where they are pinned.
 */

export interface InstalledSource {
	readonly from: 'go' | 'pip';
	/** Within the folder of its installation. */
	readonly program: string;
	readonly package: string;
	readonly version: string;
}

/** A development dependency of the package that uses it: the lockfile installs it, this table says which version is meant. */
export interface NpmSource {
	readonly from: 'npm';
	readonly package: string;
	readonly version: string;
}

export type PeerSource = InstalledSource | NpmSource;

/** Who signs, verifies and reads against our services; each has a page in docs/clients. */
export const CLIENTS = {
	'cosign 3': { from: 'go', program: 'cosign', package: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.3' },
	'cosign 2': { from: 'go', program: 'cosign', package: 'github.com/sigstore/cosign/v2/cmd/cosign', version: 'v2.6.5' },
	'rekor-cli': {
		from: 'go',
		program: 'rekor-cli',
		package: 'github.com/sigstore/rekor/cmd/rekor-cli',
		version: 'v1.5.4',
	},
	'go-tuf': {
		from: 'go',
		program: 'tuf-client',
		package: 'github.com/theupdateframework/go-tuf/v2/examples/cli/tuf-client',
		version: 'v2.4.2',
	},
	'sigstore-python': { from: 'pip', program: 'bin/sigstore', package: 'sigstore', version: '4.5.1' },
	'python-tuf': { from: 'pip', program: 'bin/python', package: 'tuf', version: '7.0.1' },
	sigstore: { from: 'npm', package: 'sigstore', version: '5.0.1' },
	'@sigstore/sign': { from: 'npm', package: '@sigstore/sign', version: '5.1.0' },
} as const satisfies Record<string, PeerSource>;

/** What reads our logs or keeps what we export. */
export const TOOLS = {
	'tessera fsck': {
		from: 'go',
		program: 'fsck',
		package: 'github.com/transparency-dev/tessera/cmd/fsck',
		version: 'v1.0.4',
	},
	versitygw: {
		from: 'go',
		program: 'versitygw',
		package: 'github.com/versity/versitygw/cmd/versitygw',
		version: 'v1.8.0',
	},
} as const satisfies Record<string, InstalledSource>;

/** Whose wire we speak. The last two are the last that Go 1.26 builds. */
export const SERVERS = {
	fulcio: { from: 'go', program: 'fulcio', package: 'github.com/sigstore/fulcio', version: 'v1.8.8' },
	'timestamp-authority': {
		from: 'go',
		program: 'timestamp-server',
		package: 'github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server',
		version: 'v2.1.3',
	},
	'rekor-tiles': {
		from: 'go',
		program: 'posix',
		package: 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix',
		version: 'v2.3.0',
	},
} as const satisfies Record<string, InstalledSource>;

export type ClientName = keyof typeof CLIENTS;
export const CLIENT_NAMES = Object.keys(CLIENTS) as ClientName[];
export type ServerName = keyof typeof SERVERS;
export const SERVER_NAMES = Object.keys(SERVERS) as ServerName[];

/** A package with its version, as the installer of its registry is told: `go install`, `pip install`, `npm install`. */
export const nameInRegistry = ({ from, package: name, version }: PeerSource): string =>
	`${name}${from === 'pip' ? '==' : '@'}${version}`;
