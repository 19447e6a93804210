-- Who may call, what is sold, and where it is bought. Money stands in 0002, the functions that move it in 0003.
-- Billing time is billing_now(), which demos and tests move. Liveness uses clock_timestamp() (docs/money.md, "Which clock").

-- Up Migration

do $$
declare role_name text;
begin
  foreach role_name in array array['tollgate_gateway', 'tollgate_worker', 'tollgate_readonly'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
  end loop;
exception when duplicate_object or unique_violation then null; -- two databases of one cluster migrate at once
end $$;

-- How far billing time is ahead of real time. No row where nobody has moved it, as in production. It only grows.
create table billing_clock (
  is_the_only boolean primary key default true check (is_the_only),
  ahead interval not null check (ahead >= interval '0'),
  moved_at timestamptz not null default clock_timestamp()
);

-- The clock of everything that is about money. It looks at a table, so PostgreSQL cannot inline it; in plpgsql its plan is kept, and a call
-- takes 4 us: where it would be called for each of many rows, write (select billing_now()) (D53). By its index, since that plan may be
-- made within settle_batch: to scan a table there counts as so dear that PostgreSQL would compile each call, at 50 ms.
create function billing_now() returns timestamptz language plpgsql stable parallel safe as $$
begin
  return now() + coalesce((select c.ahead from public.billing_clock c where c.is_the_only), interval '0');
end $$;

-- At this very moment: billing_now() is of the beginning of a transaction that may have waited for a lock, or for Stripe, since.
create function billing_moment() returns timestamptz language sql volatile parallel safe as $$
  select public.billing_now() + (clock_timestamp() - now())
$$;

-- The same where that clock has been moved, else null.
create function moved_billing_moment() returns timestamptz language sql volatile parallel safe as $$
  select clock_timestamp() + c.ahead from public.billing_clock c where c.ahead > interval '0'
$$;

-- Moves the clock of billing to p_to, or leaves it where it stands when that is past already (as D33), and returns where it stands. In
-- seconds alone: a day of an interval is 23 hours long where a session's time zone says so.
create function advance_billing_clock(p_to timestamptz) returns timestamptz
language sql security definer set search_path = public, pg_temp as $$
  insert into billing_clock (ahead) select make_interval(secs => extract(epoch from p_to - now())::float8) where p_to > billing_now()
  on conflict (is_the_only) do update set ahead = excluded.ahead, moved_at = excluded.moved_at where excluded.ahead > billing_clock.ahead;
  select billing_now()
$$;

create table rate_tiers (
  id text primary key,
  requests_per_minute integer not null check (requests_per_minute > 0),
  tokens_per_minute bigint not null check (tokens_per_minute > 0),
  concurrent_requests integer not null check (concurrent_requests > 0)
);
insert into rate_tiers values
  ('standard', 600, 1000000, 50),
  ('high', 3000, 5000000, 250),
  ('very_high', 60000, 100000000, 4000);

create table organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  rate_tier text not null default 'standard' references rate_tiers,
  -- Somebody chose its tier for it: no plan changes it any more.
  rate_tier_by_hand boolean not null default false,
  -- What it has agreed on (0009). Null: nothing, and then it pays list price and may use every model.
  plan_version_id text,
  -- Rates of its own, each instead of its tier's.
  requests_per_minute integer check (requests_per_minute > 0),
  tokens_per_minute bigint check (tokens_per_minute > 0),
  concurrent_requests integer check (concurrent_requests > 0),
  -- From where its API keys may be used, beside what each says itself (D88); null: from everywhere.
  allowed_addresses cidr[],
  enforcement text not null default 'active' check (enforcement in ('active', 'stopped')),
  enforcement_reason text,
  -- It is being converted (services/onboarding): no key of it works meanwhile, whatever the other two say.
  provisioning boolean not null default false,
  -- What follows from its debts, beside what staff decide above (services/organizations/enforcement.ts). enforcement_seq counts the
  -- changes of the stage: of two views of this row the one with the higher number is the newer.
  overdue_stage text not null default 'none' check (overdue_stage in ('none', 'limited', 'stopped')),
  enforcement_seq bigint not null default 0,
  pay_invoice_id uuid,
  -- How far an answer that cost more than was reserved may take a prepaid customer below zero (design 3.2).
  overdraft_floor_nano bigint not null default 50000000 check (overdraft_floor_nano >= 0),
  overdraft_nano bigint not null default 0 check (overdraft_nano >= 0),
  time_zone text not null default 'UTC',
  -- How many members may be active, as its plan says; null: as many as it likes. Nobody is born with a plan.
  seats integer default 1 check (seats > 0),
  version integer not null default 1,
  created_at timestamptz not null default billing_now()
);

create table projects (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references organizations,
  name text not null check (length(name) between 1 and 200),
  -- From where its API keys may be used, beside what each and the organization say (D88); null: from everywhere.
  allowed_addresses cidr[],
  -- As agreed for this sub-account of an enterprise alone (D95), in millionths of list price; null: as for the whole organization.
  price_of_list_ppm integer check (price_of_list_ppm > 0),
  version integer not null default 1,
  created_at timestamptz not null default billing_now(),
  unique (org_id, name)
);

-- The credential itself is never stored: digest = SHA-256 of all of it (32 random bytes: no pepper is needed against guessing).
create table api_keys (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references organizations,
  project_id uuid not null references projects,
  member_id uuid,
  name text not null check (length(name) between 1 and 200),
  digest bytea not null unique check (length(digest) = 32),
  prefix text not null,
  last_four text not null,
  allowed_models text[],
  allowed_addresses cidr[],
  requests_per_minute integer check (requests_per_minute > 0),
  tokens_per_minute bigint check (tokens_per_minute > 0),
  concurrent_requests integer check (concurrent_requests > 0),
  expires_at timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  version integer not null default 1,
  created_at timestamptz not null default billing_now()
);
create index on api_keys (org_id);

-- A cap counts settled + leased money of its scope in its period; periods begin in the organization's time zone.
create table caps (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references organizations,
  scope text not null check (scope in ('organization', 'project', 'member', 'api_key')),
  scope_id uuid not null,
  period text not null check (period in ('total', 'day', 'week', 'month')),
  amount_nano bigint not null check (amount_nano >= 0),
  -- A member may belong to several organizations.
  unique (org_id, scope, scope_id, period)
);
create index on caps (org_id);

create table models (
  id text primary key check (length(id) between 1 and 200),
  display_name text not null,
  owned_by text not null,
  kind text not null check (kind in ('chat', 'embedding')),
  context_tokens integer not null check (context_tokens > 0),
  max_output_tokens integer not null check (max_output_tokens >= 0),
  -- Whole number of text bytes that one token stands for: estimates, and the charge when a provider reports no usage.
  bytes_per_token smallint not null check (bytes_per_token between 1 and 16),
  -- What each organization may ask of it.
  requests_per_minute integer check (requests_per_minute > 0),
  tokens_per_minute bigint check (tokens_per_minute > 0),
  concurrent_requests integer check (concurrent_requests > 0),
  -- Also for whose plan includes basic models alone.
  basic boolean not null default false,
  version integer not null default 1,
  created_at timestamptz not null default billing_now()
);

create table channels (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  provider text not null check (provider in ('openai', 'anthropic', 'openai-compatible', 'demo')),
  base_url text not null,
  allow_local boolean not null default false,
  weight integer not null default 1 check (weight between 0 and 10000),
  priority integer not null default 1 check (priority between 1 and 1000),
  -- The name under which this upstream takes the output cap; null: the dialect's own.
  output_cap_field text check (output_cap_field in ('max_tokens', 'max_completion_tokens')),
  on_disconnect text not null default 'cancel_stops_billing' check (on_disconnect in ('cancel_stops_billing', 'drain')),
  max_in_flight integer not null default 2000 check (max_in_flight > 0),
  requests_per_minute integer check (requests_per_minute > 0),
  usage_export text check (usage_export in ('demo')),
  status text not null default 'enabled' check (status in ('enabled', 'draining', 'disabled')),
  status_reason text,
  status_by text,
  status_at timestamptz not null default clock_timestamp(),
  version integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);

create table channel_models (
  channel_id uuid not null references channels,
  model_id text not null references models,
  upstream_model text not null,
  primary key (channel_id, model_id)
);

-- sealed: {v, wrapped, wrapNonce, wrapTag, nonce, tag, data}, AES-256-GCM under a data key that the versioned master key wraps (services/vault).
create table channel_keys (
  id uuid primary key default gen_random_uuid(),
  channel_id uuid not null references channels,
  sealed jsonb not null,
  master_key_version integer not null,
  last_four text not null,
  status text not null default 'active' check (status in ('active', 'disabled')),
  status_reason text,
  status_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp()
);
create index on channel_keys (channel_id);

-- Immutable. side 'selling': what customers pay for model_id. side 'cost': what we pay, for every channel or for one.
-- price: {"tiers":[{"aboveInputTokens":0,"microUsdPerMillion":{"input":2500000,...}}],"perCallNano":0}, whole numbers only.
create table price_versions (
  id uuid primary key default gen_random_uuid(),
  model_id text not null references models,
  side text not null check (side in ('selling', 'cost')),
  channel_id uuid references channels,
  price jsonb not null,
  -- The input from which a selling price was made (cost x multiplier), in millionths; never used for charging.
  multiplier_ppm integer check (multiplier_ppm > 0),
  effective_at timestamptz not null,
  source text not null,
  created_by text not null,
  created_at timestamptz not null default billing_now(),
  check (side = 'cost' or channel_id is null)
);
create unique index on price_versions (model_id, side, coalesce(channel_id, '00000000-0000-0000-0000-000000000000'), effective_at);

-- Who did what to what, why, and from where: one entry for each change, made in its transaction. The columns from seq on are given as that
-- transaction commits, and chain each entry to the one before it (D82).
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- What it was for billing, where that clock has been moved.
  billing_at timestamptz default moved_billing_moment(),
  actor text not null,
  action text not null,
  target_kind text not null,
  target_id text not null,
  -- Whose affair it is; null: the installation's.
  org_id uuid,
  before jsonb,
  after jsonb,
  reason text,
  -- From where: of a request its id and the address that it came from, of a process its workflow.
  request_id uuid,
  client_address text,
  workflow_id text,
  -- From 1 without a gap, in the order of commits.
  seq bigint unique,
  previous_hash bytea,
  -- Of the entry of the same organization before this one, so that what is shown to an organization is a chain as well.
  previous_of_org bytea,
  hash bytea,
  check ((seq is null) = (hash is null))
);
create index on audit_log (org_id, seq);
create index on audit_log (actor, seq);
create index on audit_log (action, seq);
create index on audit_log (target_kind, seq);
create index on audit_log (target_id, seq);
create index on audit_log (request_id);
create index on audit_log (at);

-- The end of the log. Whoever commits an entry holds this row for as long as the commit takes.
create table audit_head (
  is_the_only boolean primary key default true check (is_the_only),
  seq bigint not null default 0,
  hash bytea
);
insert into audit_head default values;

-- Where the end of the log was when it was proven: what is cut off or written anew afterwards no longer fits.
create table audit_anchors (
  seq bigint primary key,
  hash bytea not null,
  at timestamptz not null default clock_timestamp()
);

-- What the hash of an entry is made of, byte for byte as it is exported: jsonb has one text for one value. What is null is left out, so a column
-- that comes later leaves the hashes of earlier entries as they are.
create function audit_content(e audit_log) returns text language sql stable parallel safe as $$
  select (jsonb_strip_nulls(jsonb_build_object(
      'seq', e.seq, 'previous', encode(e.previous_hash, 'hex'), 'previousOfOrg', encode(e.previous_of_org, 'hex'),
      'at', to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'billingAt', to_char(e.billing_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'actor', e.actor, 'action', e.action, 'targetKind', e.target_kind, 'targetId', e.target_id, 'orgId', e.org_id, 'reason', e.reason,
      'requestId', e.request_id, 'clientAddress', e.client_address, 'workflowId', e.workflow_id))
    || case when e.before is null then '{}' else jsonb_build_object('before', e.before) end
    || case when e.after is null then '{}' else jsonb_build_object('after', e.after) end)::text
$$;

-- Also with all triggers off an entry can be proven not to be what it was.
create function audit_hash(e audit_log) returns bytea language sql stable parallel safe as $$
  select sha256(convert_to(audit_content(e), 'UTF8'))
$$;

-- Gives an entry its place, while its transaction commits: nobody who holds the end of the log waits for anything but the disk (D82).
create function chain_audit_entry() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare v_head audit_head; v_entry audit_log;
begin
  select * into strict v_head from audit_head for update;
  select * into strict v_entry from audit_log where id = new.id;
  v_entry.seq := v_head.seq + 1;
  v_entry.previous_hash := v_head.hash;
  v_entry.previous_of_org := (select a.hash from audit_log a where a.org_id = v_entry.org_id and a.seq is not null order by a.seq desc limit 1);
  v_entry.hash := audit_hash(v_entry);
  update audit_log a set seq = v_entry.seq, previous_hash = v_entry.previous_hash, previous_of_org = v_entry.previous_of_org, hash = v_entry.hash
   where a.id = v_entry.id;
  update audit_head set seq = v_entry.seq, hash = v_entry.hash;
  return null;
end $$;
create constraint trigger chained after insert on audit_log deferrable initially deferred for each row execute function chain_audit_entry();

-- The answer of a finished POST of the management API, for 24 h.
create table management_idempotency (
  actor text not null,
  key text not null,
  route text not null,
  body_digest bytea not null,
  status smallint,
  response jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (actor, key)
);

-- What changed lately: gateways hear it by NOTIFY and, should that be lost, by reading this table every 5 s.
create table config_changes (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  target_id text not null
);
create index on config_changes (at);

-- Tells gateways what changed, by the transaction that changes it (D1). Arguments: kind, column that names the thing.
create function announce_change() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  row_now jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  kind text := tg_argv[0];
  target text := coalesce(row_now ->> tg_argv[1], '');
begin
  insert into config_changes (kind, target_id) values (kind, target);
  perform pg_notify('tollgate_config', kind || ':' || target);
  return null;
end $$;

-- Only changes that an administrator makes are announced; overdraft_nano moves with money and must stay silent.
create trigger announce after insert or delete or update of name, rate_tier, enforcement, provisioning, overdue_stage, pay_invoice_id, time_zone, version on organizations
  for each row execute function announce_change('organization', 'id');
-- A stricter stage forbids some of the credit that gateways have leased.
create trigger recall after update of overdue_stage on organizations
  for each row when (array_position(array['none', 'limited', 'stopped'], new.overdue_stage) > array_position(array['none', 'limited', 'stopped'], old.overdue_stage))
  execute function announce_change('recall', 'id');
create trigger recall_for_provisioning after update of provisioning on organizations for each row when (new.provisioning and not old.provisioning)
  execute function announce_change('recall', 'id');
create trigger announce after insert or update or delete on projects for each row execute function announce_change('project', 'id');
create trigger announce after insert or update or delete on api_keys for each row execute function announce_change('api_key', 'id');
create trigger announce after insert or update or delete on caps for each row execute function announce_change('cap', 'org_id');
create trigger announce after insert or update or delete on rate_tiers for each row execute function announce_change('routing', 'id');
create trigger announce after insert or update or delete on models for each row execute function announce_change('routing', 'id');
create trigger announce after insert or update or delete on channels for each row execute function announce_change('routing', 'id');
create trigger announce after insert or update or delete on channel_models for each row execute function announce_change('routing', 'channel_id');
create trigger announce after insert or delete on channel_keys for each row execute function announce_change('routing', 'channel_id');
-- A key whose wrap alone is renewed (migrations/0029) is the key that gateways hold already.
create trigger announce_update after update on channel_keys for each row
  when (old.sealed -> 'data' is distinct from new.sealed -> 'data'
    or to_jsonb(old) - array['sealed', 'master_key_version'] is distinct from to_jsonb(new) - array['sealed', 'master_key_version'])
  execute function announce_change('routing', 'channel_id');
create trigger announce after insert on price_versions for each row execute function announce_change('routing', 'model_id');
create trigger announce after insert or update on billing_clock for each row execute function announce_change('clock', 'is_the_only');

-- Also for the owner of the table: no role can rewrite history by mistake.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: correct it by a reversing entry', tg_table_name using errcode = 'restrict_violation';
end $$;
-- An entry without a place is one of a transaction that has not ended.
create trigger append_only before update on audit_log for each row when (old.seq is not null) execute function refuse_change();
create trigger not_deleted before delete on audit_log for each row execute function refuse_change();
create trigger append_only before update or delete on audit_anchors for each row execute function refuse_change();
create trigger append_only before update or delete on price_versions for each row execute function refuse_change();
create trigger not_emptied before truncate on audit_log for each statement execute function refuse_change();
create trigger not_emptied before truncate on audit_anchors for each statement execute function refuse_change();
create trigger not_emptied before truncate on price_versions for each statement execute function refuse_change();

-- What was due has happened: no role can make it not to be due yet.
create function refuse_to_turn_back() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.ahead >= old.ahead then return new; end if;
  raise exception 'the clock of billing only goes forward' using errcode = 'restrict_violation';
end $$;
create trigger forward_only before update or delete on billing_clock for each row execute function refuse_to_turn_back();
create trigger not_emptied before truncate on billing_clock for each statement execute function refuse_to_turn_back();

grant usage on schema public to tollgate_gateway, tollgate_worker, tollgate_readonly;
grant select on all tables in schema public to tollgate_gateway, tollgate_worker, tollgate_readonly;
revoke select on management_idempotency from tollgate_gateway, tollgate_readonly;
revoke select on channel_keys from tollgate_readonly;
grant select (id, channel_id, master_key_version, last_four, status, status_reason, status_at, created_at) on channel_keys to tollgate_readonly;
grant insert, update on organizations, projects, api_keys, models, channels, channel_models, channel_keys, management_idempotency to tollgate_worker;
grant insert, update, delete on caps, rate_tiers to tollgate_worker;
grant delete on channel_models, management_idempotency, config_changes to tollgate_worker;
grant insert on price_versions, audit_anchors to tollgate_worker;
-- Its place, its hash and its time nobody chooses.
grant insert (actor, action, target_kind, target_id, org_id, before, after, reason, request_id, client_address, workflow_id) on audit_log to tollgate_worker;
