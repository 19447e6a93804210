-- Backups: who takes them, and what came of each. Whoever takes one reads everything, secrets as they are sealed, and writes nothing; a
-- table that a later migration makes is read by him as well, or the dump of it fails (D144).

-- Up Migration

do $$
begin
  if not exists (select from pg_roles where rolname = 'tollgate_backup') then
    create role tollgate_backup nologin;
  end if;
exception when duplicate_object or unique_violation then null; -- two databases of one cluster migrate at once
end $$;
grant usage on schema public, auth to tollgate_backup;
grant select on all tables in schema public, auth to tollgate_backup;
grant select on all sequences in schema public, auth to tollgate_backup;
alter default privileges in schema public, auth grant select on tables to tollgate_backup;
alter default privileges in schema public, auth grant select on sequences to tollgate_backup;
