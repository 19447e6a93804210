-- Master keys: which of them seals, which still open, which process has them, and how one takes the place of another (D127, D128). No key is here, and
-- nothing that one could be found by: of each there is a fingerprint, so that a process that was given other bytes is told at once.

-- Up Migration

create table master_keys (
  version integer primary key check (version > 0),
  -- HMAC-SHA256 of a fixed text under it.
  fingerprint bytea not null check (length(fingerprint) = 32),
  -- coming: processes are to have it. sealing: what is sealed now, is sealed under it. opening: it was sealed under before, and is kept for what needs
  -- it still. destroyed: it opens and seals nothing of ours again, whoever may have its bytes.
  state text not null check (state in ('coming', 'sealing', 'opening', 'destroyed')),
  since timestamptz not null default clock_timestamp()
);
create unique index one_seals on master_keys (state) where state = 'sealing';
create unique index one_comes on master_keys (state) where state = 'coming';
create trigger stays_as_it_is before update on master_keys for each row
  when (old.state = 'destroyed' or new.version <> old.version or new.fingerprint <> old.fingerprint) execute function refuse_change();
create trigger not_deleted before delete on master_keys for each row execute function refuse_change();
create trigger not_emptied before truncate on master_keys for each statement execute function refuse_change();

-- Under which version secrets are sealed; no other one is until the transaction ends. Null: no process has said yet.
create function sealing_master_key() returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare v_version integer;
begin
  loop
    select version into v_version from master_keys where state = 'sealing' for share;
    -- Not found beside others: another one took its place while we waited for it.
    exit when found or not exists (select from master_keys);
  end loop;
  return v_version;
end $$;

-- The same, with its fingerprint; where no process has said yet, it is what this one has.
create function sealing_master_key_or(p_version integer, p_fingerprint bytea) returns table (version integer, fingerprint bytea)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if sealing_master_key() is null then
    insert into master_keys (version, fingerprint, state) values (p_version, p_fingerprint, 'sealing') on conflict do nothing;
  end if;
  return query select k.version, k.fingerprint from master_keys k where k.version = sealing_master_key();
end $$;

-- Whoever seals under an older one has not heard of the newer: what he has sealed is not kept.
create function refuse_other_seal() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_under integer := (new.sealed ->> 'v')::integer;
  v_sealing integer := case when new.sealed is not null then sealing_master_key() end;
begin
  if v_under is distinct from new.master_key_version then
    raise exception '%: sealed under master key %, and said to be under %', tg_table_name, v_under, new.master_key_version using errcode = 'check_violation';
  end if;
  if v_under <> v_sealing then
    raise exception '%: sealed under master key %, and it is % that seals', tg_table_name, v_under, v_sealing using errcode = 'TG003';
  end if;
  return new;
end $$;

-- Of a table whose column `sealed` holds what services/vault made: its rows are found by those that rotate the master key.
create function keep_sealed(of_table regclass) returns void language plpgsql as $$
begin
  execute format('create trigger sealed_as_now before insert or update of sealed, master_key_version on %s for each row execute function refuse_other_seal()', of_table);
  execute format('create index on %s (master_key_version)', of_table);
end $$;
select keep_sealed(name::regclass) from unnest(array['channel_keys', 'channel_admin_keys', 'auth.second_factors', 'identity_providers']) name;

-- Of each: how its rows are told apart.
create function sealed_tables() returns table (of_table text, id_column name) language sql stable security definer set search_path = public, pg_temp as $$
  select i.indrelid::regclass::text, a.attname
    from pg_trigger t join pg_index i on i.indrelid = t.tgrelid and i.indisprimary join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
   where t.tgname = 'sealed_as_now' order by 1
$$;

-- How much is sealed under each.
create function sealed_rows() returns table (version integer, sealed_rows bigint)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare v_table text;
begin
  for v_table in select s.of_table from sealed_tables() s loop
    return query execute format('select master_key_version, count(*) from %s where master_key_version is not null group by 1', v_table);
  end loop;
end $$;

-- Of the rows that still hold what was read of them; how many. A secret cannot be changed by this: only the wrap of its data key differs.
create function renew_wraps(p_table text, p_ids uuid[], p_before jsonb[], p_after jsonb[]) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_id name; v_renewed integer;
begin
  select s.id_column into strict v_id from sealed_tables() s where s.of_table = p_table;
  execute format(
    'update %s t set sealed = n.after, master_key_version = (n.after ->> ''v'')::integer
       from unnest($1, $2, $3) n(id, before, after)
      where t.%I = n.id and t.sealed = n.before
        and n.before - array[''v'', ''wrapped'', ''wrapNonce'', ''wrapTag''] = n.after - array[''v'', ''wrapped'', ''wrapNonce'', ''wrapTag'']',
    p_table, v_id) using p_ids, p_before, p_after;
  get diagnostics v_renewed = row_count;
  return v_renewed;
end $$;

-- What takes the place of the version that seals: `rotate:master-key:<version>`.
create table master_key_rotations (
  version integer primary key references master_keys,
  stage text not null default 'acknowledging' check (stage in ('acknowledging', 'resealing', 'attention', 'completed', 'cancelled')),
  is_paused boolean not null default false,
  -- Grows with every change: of two views of this row the one with the higher number is the newer.
  revision integer not null default 1,
  started_by text not null check (length(started_by) between 1 and 200),
  reason text not null check (length(reason) between 1 and 1000),
  started_at timestamptz not null default clock_timestamp(),
  switched_at timestamptz,
  -- Rows that were sealed under another version when this one began to seal, and how many of them are sealed under it since.
  total integer check (total >= 0),
  resealed integer not null default 0 check (resealed >= 0),
  -- Places that do not open, so that a person must look.
  troubles jsonb not null default '[]' check (jsonb_typeof(troubles) = 'array'),
  ended_at timestamptz,
  check ((stage in ('acknowledging', 'cancelled')) = (switched_at is null)),
  check ((switched_at is null) = (total is null)),
  check ((stage in ('completed', 'cancelled')) = (ended_at is not null)),
  check (not is_paused or stage in ('acknowledging', 'resealing'))
);
create unique index one_at_a_time on master_key_rotations ((true)) where ended_at is null;

-- Which process has which versions, as it says itself every few seconds. One that has said nothing for a while is gone.
create table master_key_holders (
  process_id uuid primary key,
  kind text not null check (kind in ('gateway', 'caretaker', 'worker')),
  host text not null,
  pid integer not null,
  -- With the bytes that the fingerprint is of.
  versions integer[] not null,
  -- With other bytes.
  other_bytes integer[] not null default '{}',
  seen_at timestamptz not null default clock_timestamp()
);

-- Who waits for a process hears of what that process says, and of its end.
create function poke_master_key_rotation() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform poke_process('rotate:master-key:' || r.version, 'rotate:master-key', r.version::text) from master_key_rotations r where r.stage = 'acknowledging';
  return null;
end $$;
create trigger tells_rotation after insert or delete on master_key_holders for each row execute function poke_master_key_rotation();
create trigger tells_rotation_of_keys after update on master_key_holders for each row
  when (old.versions <> new.versions or old.other_bytes <> new.other_bytes) execute function poke_master_key_rotation();

grant select on master_keys, master_key_rotations, master_key_holders to tollgate_worker, tollgate_readonly;
grant insert, update (state, since) on master_keys to tollgate_worker;
grant insert (version, started_by, reason), update (stage, is_paused, revision, switched_at, total, resealed, troubles, ended_at) on master_key_rotations to tollgate_worker;
grant insert, update, delete on master_key_holders to tollgate_worker;
revoke execute on function sealing_master_key(), sealing_master_key_or(integer, bytea), sealed_tables(), sealed_rows(), renew_wraps(text, uuid[], jsonb[], jsonb[])
  from public;
grant execute on function sealing_master_key(), sealing_master_key_or(integer, bytea), sealed_tables(), sealed_rows(), renew_wraps(text, uuid[], jsonb[], jsonb[])
  to tollgate_worker;
-- Whoever takes a backup says which master keys are needed for it.
grant execute on function sealed_rows() to tollgate_backup;
select keep_apart(name::regclass, 'false') from unnest(array['master_keys', 'master_key_rotations', 'master_key_holders']) name;
