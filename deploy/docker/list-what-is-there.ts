/**
 * Takes out of `sbom.cdx.json` (CycloneDX), which pnpm writes from the lockfile, what was taken out of the image since: in
 * the folder of the workspace, after files were removed and before its Node becomes a program outside of it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

interface Component {
	readonly 'bom-ref': string;
	readonly group?: string;
	readonly name: string;
	readonly version: string;
}
interface Dependency {
	readonly ref: string;
	readonly dependsOn?: readonly string[];
}
interface Sbom {
	components: Component[];
	dependencies: Dependency[];
}

const SBOM = 'sbom.cdx.json';
const OUR_SCOPE = '@chancery';
const RUNNING_NODE = `node-${process.platform}-${process.arch}`;

const sbom: Sbom = JSON.parse(readFileSync(SBOM, 'utf8'));
const stored = readdirSync('node_modules/.pnpm');

/** The store of pnpm names a folder by package and version, followed by the versions that it was resolved with. */
function isThere({ group, name, version }: Component): boolean {
	if (group === OUR_SCOPE) return existsSync(`packages/${name}`);
	if (name === RUNNING_NODE) return true;
	const folder = `${group ? `${group}+` : ''}${name}@${version}`;
	return stored.some((it) => it === folder || it.startsWith(`${folder}_`) || it.startsWith(`${folder}(`));
}

const gone = new Set(sbom.components.flatMap((it) => (isThere(it) ? [] : [it['bom-ref']])));
sbom.components = sbom.components.filter((it) => !gone.has(it['bom-ref']));
sbom.dependencies = sbom.dependencies
	.filter(({ ref }) => !gone.has(ref))
	.map((it) => (it.dependsOn ? { ...it, dependsOn: it.dependsOn.filter((ref) => !gone.has(ref)) } : it));
writeFileSync(SBOM, `${JSON.stringify(sbom, null, 2)}\n`);
