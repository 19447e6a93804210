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

-- One backup, by real time, like one of the nights: 2026-11-30, or as whoever asked for it called it. The manifest in storage says all of it;
-- here is what lists, figures and the next steps need.
create table backups (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
  kind text not null check (kind in ('nightly', 'by_hand')),
  -- Null: the schedule.
  requested_by text,
  stage text not null default 'dumping' check (stage in ('dumping', 'verifying', 'pruning', 'attention', 'completed', 'dismissed')),
  -- A person had it taken anew so often; each round writes objects of its own.
  round integer not null default 1 check (round > 0),
  run uuid not null default gen_random_uuid(),
  -- Grows with every change: of two views of this row the one with the higher number is the newer.
  revision integer not null default 1,
  opened_at timestamptz not null default clock_timestamp(),
  -- The dump of this round: what it is called in storage, and what it promises.
  object text,
  bytes bigint,
  sha256 text,
  taken_at timestamptz,
  dumped_in_ms bigint,
  server_version text,
  migration text,
  ledger_transaction bigint,
  -- Under which it is sealed itself.
  master_key_version integer,
  -- That one, and those of all that is sealed in it: must be kept for as long as this backup is (D160).
  master_key_versions integer[],
  -- The proof of it.
  proven_at timestamptz,
  restored_in_ms bigint,
  proven_in_ms bigint,
  rows bigint,
  -- Why it waits for a person, who answers until then, or it is told again.
  trouble text,
  answer_by timestamptz,
  ended_at timestamptz,
  -- It made room for others.
  removed_at timestamptz,
  check ((object is null) = (taken_at is null) and (object is null) = (bytes is null) and (object is null) = (sha256 is null)),
  check (stage in ('dumping', 'attention', 'dismissed') or object is not null),
  check (stage not in ('pruning', 'completed') or proven_at is not null),
  check ((stage = 'attention') = (answer_by is not null)),
  check (stage <> 'attention' or trouble is not null),
  check ((stage in ('completed', 'dismissed')) = (ended_at is not null)),
  check (removed_at is null or ended_at is not null)
);
create index on backups (opened_at) where ended_at is null;
create index on backups (proven_at) where proven_at is not null and removed_at is null;

-- A drill: a backup that has been in storage for a while is fetched and restored whole, by the clock. Weekly ones are named 2026-w48.
create table restore_checks (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
  requested_by text,
  backup text not null references backups,
  stage text not null default 'restoring' check (stage in ('restoring', 'attention', 'completed', 'dismissed')),
  round integer not null default 1 check (round > 0),
  revision integer not null default 1,
  opened_at timestamptz not null default clock_timestamp(),
  -- From the first byte to a database that could serve: what a restore takes.
  restored_in_ms bigint,
  proven_in_ms bigint,
  rows bigint,
  trouble text,
  answer_by timestamptz,
  ended_at timestamptz,
  check ((stage = 'completed') = (restored_in_ms is not null)),
  check ((stage = 'attention') = (answer_by is not null)),
  check (stage <> 'attention' or trouble is not null),
  check ((stage in ('completed', 'dismissed')) = (ended_at is not null))
);
create index on restore_checks (opened_at);

select keep_apart('backups', 'false');
select keep_apart('restore_checks', 'false');
grant select on backups, restore_checks to tollgate_worker, tollgate_readonly, tollgate_backup;
grant insert (name, kind, requested_by) on backups to tollgate_worker;
grant update (stage, round, run, revision, object, bytes, sha256, taken_at, dumped_in_ms, server_version, migration, ledger_transaction,
              master_key_version, master_key_versions, proven_at, restored_in_ms, proven_in_ms, rows, trouble, answer_by, ended_at, removed_at) on backups to tollgate_worker;
grant insert (name, requested_by, backup) on restore_checks to tollgate_worker;
grant update (stage, round, revision, restored_in_ms, proven_in_ms, rows, trouble, answer_by, ended_at) on restore_checks to tollgate_worker;
