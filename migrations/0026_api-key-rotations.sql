-- API keys that are rolled: another credential takes the place of the one before, which works beside it until the overlap ends. The key stays the
-- row that it was, and with it all that hangs on its id: caps and what was spent of them, bindings, member, leases, receipts (D130). And
-- credentials of ours that were found where they should not be, for which the key is frozen (D132).

-- Up Migration

-- Which credentials of ours were found elsewhere, and where. What was reported is not kept: its digest is known from the key.
create table leak_reports (
  id uuid primary key,
  org_id uuid not null references organizations,
  api_key_id uuid not null references api_keys,
  digest bytea not null check (length(digest) = 32),
  -- Where it was seen, without the credential, should that be in it; null: nobody said.
  url text check (length(url) between 1 and 2000),
  -- In the words of whoever reported it: of which kind that place is.
  source text check (length(source) between 1 and 200),
  reported_by text not null check (length(reported_by) between 1 and 200),
  -- frozen: the key was. overlap_ended: it was the credential that had been replaced, which ended at once. out_of_use: it was refused already.
  outcome text not null check (outcome in ('frozen', 'overlap_ended', 'out_of_use')),
  reported_at timestamptz not null default billing_now()
);
create index on leak_reports (org_id);
-- A scanner tells of one place again and again; a person who does so means it. An address may be longer than an index takes.
create unique index on leak_reports (digest, md5(url), source) nulls not distinct where reported_by = 'secret_scanning';

-- Out of use in a way of its own: until it is rolled, or whoever runs the organization proves that it is he and says that it may go on.
alter table api_keys add column frozen_at timestamptz, add column leak_report_id uuid references leak_reports,
  add check ((frozen_at is null) = (leak_report_id is null));
create index on api_keys (frozen_at) where frozen_at is not null;

create table api_key_rotations (
  id uuid primary key,
  org_id uuid not null references organizations,
  api_key_id uuid not null references api_keys,
  -- Of the credential that is not the key's own: the one before, or, where the rotation was taken back, the one that had been made.
  digest bytea not null unique check (length(digest) = 32),
  prefix text not null,
  last_four text not null,
  -- ApiKeyRotation of domain/api-key-rotation.ts, to `ended_how`.
  revision integer not null,
  started_at timestamptz not null,
  -- From then on no gateway takes that credential, whether or not anybody has noticed.
  ends_at timestamptz not null,
  reminded_to timestamptz not null,
  ended_at timestamptz,
  ended_how text check (ended_how in ('over', 'ended_now', 'taken_back', 'leaked')),
  -- When time alone changes something; null: it has ended.
  wake_at timestamptz,
  -- When that credential was used last, and from where: gateways tell it within a minute.
  used_at timestamptz,
  used_from inet,
  check (ends_at between started_at and started_at + interval '720 hours'),
  check ((ended_at is null) = (ended_how is null) and (ended_at is null) = (wake_at is not null))
);
-- One at a time.
create unique index on api_key_rotations (api_key_id) where ended_at is null;
create index on api_key_rotations (wake_at) where ended_at is null;
-- By what our staff finds its organization.
create index on api_key_rotations (prefix);

-- A key is as old as its credential to whoever waits for a change of it.
create trigger announce after insert or update of digest, ends_at, ended_at on api_key_rotations for each row execute function announce_change('api_key', 'api_key_id');

grant select on api_key_rotations, leak_reports to tollgate_gateway, tollgate_worker, tollgate_readonly;
grant insert on api_key_rotations, leak_reports to tollgate_worker;
grant update (outcome, reported_at) on leak_reports to tollgate_worker;
grant update (digest, prefix, last_four, revision, ends_at, reminded_to, ended_at, ended_how, wake_at) on api_key_rotations to tollgate_worker;
grant update (used_at, used_from) on api_key_rotations to tollgate_gateway;

select keep_apart(name::regclass, 'org_id = current_organization()') from unnest(array['api_key_rotations', 'leak_reports']) name;
