-- What befalls accounts after they were made. Like all of the schema auth it goes by real time, and the worker's role alone reads it.

-- Up Migration

-- A trial that was given to whoever signed up from a network, as the network's HMAC. Forgotten after 30 days, when it counts no more (D106).
create table auth.trial_networks (
  network bytea not null check (length(network) = 32),
  given_at timestamptz not null default clock_timestamp()
);
create index on auth.trial_networks (network, given_at);
create index on auth.trial_networks (given_at);

grant select, insert, delete on auth.trial_networks to tollgate_worker;
select keep_apart('auth.trial_networks', 'false');

-- For whoever is told what he was written.
create index on notifications (recipient, id);
create index on notifications ((facts ->> 'personId'), id);

-- Another mail address: asked for, then had by its code, then perhaps taken back. Code and link are made of the id by TOLLGATE_LINK_SECRET.
create table auth.mail_changes (
  id uuid primary key,
  person_id uuid not null references persons,
  email text not null,
  asked_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz not null,
  tries integer not null default 0,
  changed_at timestamptz,
  -- What it was until then, and how long it may be that again.
  email_before text,
  back_until timestamptz,
  -- Another one took its place, or it was taken back.
  ended_at timestamptz,
  check ((changed_at is null) = (email_before is null) and (changed_at is null) = (back_until is null))
);
create index on auth.mail_changes (person_id, asked_at);

grant select, insert, delete, update (tries, changed_at, email_before, back_until, ended_at) on auth.mail_changes to tollgate_worker;
select keep_apart('auth.mail_changes', 'false');

-- An account that was closed, until it is opened again by a link, made of the id by TOLLGATE_LINK_SECRET; erased: its person has no name and no
-- address any more (D109).
create table auth.closings (
  person_id uuid primary key references persons,
  id uuid not null unique,
  closed_at timestamptz not null default clock_timestamp(),
  back_until timestamptz not null,
  erased_at timestamptz
);
create index on auth.closings (back_until) where erased_at is null;

grant select, insert, delete, update (erased_at) on auth.closings to tollgate_worker;
select keep_apart('auth.closings', 'false');
