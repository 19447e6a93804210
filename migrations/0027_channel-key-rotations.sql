-- How the key of a channel is changed for another one while requests go on: which keys share a place, how far a change of them is, what people
-- decided of it, and which version of the routing table every gateway works by, since no key is given up that one of them may still send.

-- Up Migration

-- A place for one key of a channel; while it is rotated, for two. It has the id of the first key that was in it.
create table channel_key_slots (
  id uuid primary key,
  channel_id uuid not null references channels,
  -- A key that is older is changed without anybody asking; null: only when somebody asks.
  rotate_after_days smallint check (rotate_after_days between 1 and 730),
  -- Since when its key is the one that it has.
  keyed_at timestamptz not null default billing_now()
);
create index on channel_key_slots (channel_id);

alter table channel_keys add column slot_id uuid references channel_key_slots;
insert into channel_key_slots (id, channel_id) select id, channel_id from channel_keys;
update channel_keys set slot_id = id;
alter table channel_keys alter column slot_id set not null;
-- Of 100 requests that come to its place, where two keys that are active share it. 0: only when the other one does not serve.
alter table channel_keys add column share smallint not null default 100 check (share between 0 and 100);
-- How the provider calls it, where we had it made there; null: a person brought it.
alter table channel_keys add column provider_key_id text;
alter table channel_keys drop constraint channel_keys_status_check;
-- new: not routed yet. revoked: the provider does not take it any more.
alter table channel_keys add constraint channel_keys_status_check check (status in ('new', 'active', 'disabled', 'revoked'));
create index on channel_keys (slot_id);

-- A key that comes without a place begins one.
create function begin_channel_key_slot() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.slot_id is null then
    insert into channel_key_slots (id, channel_id) values (new.id, new.channel_id);
    new.slot_id := new.id;
  end if;
  return new;
end $$;
create trigger begin_slot before insert on channel_keys for each row execute function begin_channel_key_slot();

-- With what keys are made and deleted at a provider that has an API for that. Bound to the origin of its channel, as keys are.
create table channel_admin_keys (
  channel_id uuid primary key references channels,
  sealed jsonb not null,
  master_key_version integer not null,
  last_four text not null,
  set_at timestamptz not null default clock_timestamp()
);

-- Grows when keys change places; read in the statement that reads the routing table, so whoever has a version has all that led to it.
create table routing_version (
  is_the_only boolean primary key default true check (is_the_only),
  version bigint not null
);
insert into routing_version (version) values (1);

-- The routing table that a gateway has, and the oldest that a request of it still works by. 0: none yet.
alter table gateway_incarnations add column routing_loaded bigint not null default 0, add column routing_in_use bigint not null default 0;

-- What a gateway says of itself; never less than before.
create function acknowledge_routing(p_incarnation uuid, p_loaded bigint, p_in_use bigint) returns void
language sql security definer set search_path = public, pg_temp as $$
  update gateway_incarnations set routing_loaded = greatest(routing_loaded, p_loaded), routing_in_use = greatest(routing_in_use, p_in_use)
   where id = p_incarnation and fenced_at is null
$$;

create table channel_key_rotations (
  id uuid primary key,
  channel_id uuid not null references channels,
  slot_id uuid not null references channel_key_slots,
  old_key_id uuid not null references channel_keys,
  -- Null: there is none yet.
  new_key_id uuid references channel_keys,
  stage text not null,
  -- ChannelKeyRotation of domain/channel-key-rotation.ts.
  state jsonb not null,
  revision integer not null,
  -- When it looks again by itself; null: something is asked for, or it has ended.
  wake_at timestamptz,
  -- From it on the keys of the place are routed as they are now.
  routing_version bigint not null,
  started_by text not null check (length(started_by) between 1 and 200),
  began_at timestamptz not null default billing_now(),
  ended_at timestamptz
);
create unique index one_open_rotation on channel_key_rotations (channel_id) where ended_at is null;
create index on channel_key_rotations (slot_id, began_at desc);

-- What people decided of one. It is carried out in the transaction that writes it; a workflow is told its id at most, and reads it again.
create table channel_key_decisions (
  id uuid primary key,
  rotation_id uuid not null references channel_key_rotations,
  kind text not null check (kind in ('supply', 'finish', 'roll_back', 'extend', 'emergency')),
  -- Of an extension alone.
  until timestamptz,
  reason text not null check (length(reason) between 1 and 1000),
  actor text not null check (length(actor) between 1 and 200),
  at timestamptz not null default billing_now(),
  check ((until is not null) = (kind = 'extend'))
);
create index on channel_key_decisions (rotation_id, at);
create trigger append_only before update or delete on channel_key_decisions for each row execute function refuse_change();
create trigger not_emptied before truncate on channel_key_decisions for each statement execute function refuse_change();

-- What is no member's.
select keep_apart(name::regclass, 'false')
  from unnest(array['channel_key_slots', 'channel_admin_keys', 'routing_version', 'channel_key_rotations', 'channel_key_decisions']) name;

grant select on channel_key_slots, channel_key_rotations, channel_key_decisions, routing_version to tollgate_worker, tollgate_readonly;
grant select on routing_version, channel_key_slots to tollgate_gateway;
grant select, insert, update on channel_admin_keys to tollgate_worker;
grant select (channel_id, master_key_version, last_four, set_at) on channel_admin_keys to tollgate_readonly;
grant update (rotate_after_days, keyed_at) on channel_key_slots to tollgate_worker;
grant update (version) on routing_version to tollgate_worker;
grant insert, update (new_key_id, stage, state, revision, wake_at, routing_version, ended_at) on channel_key_rotations to tollgate_worker;
grant insert (id, rotation_id, kind, until, reason, actor) on channel_key_decisions to tollgate_worker;
grant select (slot_id, share, provider_key_id) on channel_keys to tollgate_readonly;
revoke execute on function acknowledge_routing(uuid, bigint, bigint) from public;
grant execute on function acknowledge_routing(uuid, bigint, bigint) to tollgate_gateway;
