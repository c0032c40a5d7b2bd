/** Every client that is judged against, where it comes from and in which version: the one place where they are pinned. */

export type ClientSource =
	| { readonly from: 'go'; readonly program: string; readonly package: string; readonly version: string }
	| { readonly from: 'pip'; readonly program: string; readonly package: string; readonly version: string }
	/** A development dependency of this package: the lockfile installs it, this table says which version is meant. */
	| { readonly from: 'npm'; readonly package: string; readonly version: string };

export const CLIENT_SOURCES = {
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
} as const satisfies Record<string, ClientSource>;

export type ClientName = keyof typeof CLIENT_SOURCES;
export const CLIENT_NAMES = Object.keys(CLIENT_SOURCES) as ClientName[];

/** Where a client was found, or why it cannot be run here. */
export type FoundClient = { readonly path: string } | { readonly notRun: string };

/** A package with its version, as the installer of its registry is told: `go install`, `pip install`, `npm install`. */
export const nameInRegistry = ({ from, package: name, version }: ClientSource): string =>
	`${name}${from === 'pip' ? '==' : '@'}${version}`;
