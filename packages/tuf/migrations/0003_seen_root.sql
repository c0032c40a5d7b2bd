-- The newest root that clients have seen when an adoption overruled the mark. Roots cannot be skipped: this version is
-- published again, byte for byte, or never. Null when nobody could tell.
alter table ${schema}.adoption
	add column seen_root integer check (seen_root >= 1),
	add column seen_root_sha256 bytea check (length(seen_root_sha256) = 32),
	add check ((seen_root is null) = (seen_root_sha256 is null));
