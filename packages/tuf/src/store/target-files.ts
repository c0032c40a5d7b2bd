/** Target files by their hash. The same content under two names is one row. */
import type { Sql } from '@chancery/postgres/sql';

export async function insertTargetFile(sql: Sql, sha256: Uint8Array, content: Uint8Array): Promise<void> {
	await sql.query('insert into tuf.target_file (sha256, content) values ($1, $2) on conflict (sha256) do nothing', [
		sha256,
		content,
	]);
}

export async function targetFileContent(sql: Sql, sha256: Uint8Array): Promise<Uint8Array | undefined> {
	const [row] = await sql.query<{ content: Uint8Array }>('select content from tuf.target_file where sha256 = $1', [
		sha256,
	]);
	return row?.content;
}
