-- What takes two persons (D97): a request of one of our staff, as it came, until another one has decided. What is approved is done as if it had
-- been asked then.

-- Up Migration

create table proposals (
  id uuid primary key,
  -- As declared, 'post /api/v1/grants', and as asked.
  route text not null,
  path text not null,
  body text not null,
  if_match text,
  -- Why one person is not enough.
  why text not null check (length(why) between 1 and 500),
  proposed_by uuid not null references persons,
  proposed_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz not null,
  decision text check (decision in ('approved', 'refused', 'withdrawn')),
  decided_by uuid references persons,
  decided_at timestamptz,
  reason text check (length(reason) between 1 and 1000),
  -- {status, body}: what whoever proposed it would have been answered. Null of what is approved: it is being done, or its process died.
  outcome jsonb check (jsonb_typeof(outcome) = 'object'),
  -- Who has read that it was approved and came to nothing.
  seen_by uuid references persons,
  seen_at timestamptz,
  check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)),
  check ((decision = 'withdrawn') = (decided_by = proposed_by)),
  check (outcome is null or decision = 'approved'),
  check ((seen_by is null) = (seen_at is null)),
  check (seen_by is null or decision = 'approved')
);
create index on proposals (proposed_at desc, id desc);
create index on proposals (valid_until) where decision is null;

grant select on proposals to tollgate_worker;
grant insert (id, route, path, body, if_match, why, proposed_by, valid_until), update (decision, decided_by, decided_at, reason, outcome, seen_by, seen_at)
  on proposals to tollgate_worker;

-- Who of us has in hand what waits in the inbox (D103). It grants nothing, and lapses by itself.
create table inbox_claims (
  -- As the inbox names it; it has no table (D100).
  kind text not null,
  item text not null,
  -- As the inbox said when it was claimed: what has come to us anew since is in nobody's hands.
  waits_since timestamptz not null,
  claimed_by uuid not null references persons,
  claimed_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz not null,
  primary key (kind, item)
);
create index on inbox_claims (valid_until);

grant select, insert, update, delete on inbox_claims to tollgate_worker;
grant select on inbox_claims to tollgate_readonly;
