-- Ways in beside the password. Like all of the schema auth it goes by real time, and the worker's role alone reads it.

-- Up Migration

-- What a device of a person signs with. Here is the half of it that anybody may know (D43).
create table auth.passkeys (
  id uuid primary key,
  person_id uuid not null references persons,
  -- What the device calls it, base64url.
  credential_id text not null unique check (length(credential_id) between 1 and 1400),
  -- As COSE has it.
  public_key bytea not null,
  name text not null check (length(name) between 1 and 100),
  -- How often it has signed, as it said the last time; 0 where it does not count.
  counter bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  used_at timestamptz,
  -- It counted backwards, so there are two: neither opens anything.
  copied_at timestamptz
);
create index on auth.passkeys (person_id, created_at);

-- What was signed once, until it would be too old anyway.
create table auth.answered_challenges (
  challenge bytea primary key check (length(challenge) = 32),
  answered_at timestamptz not null default clock_timestamp()
);
create index on auth.answered_challenges (answered_at);

grant select, insert, delete, update (name, counter, used_at, copied_at) on auth.passkeys to tollgate_worker;
grant select, insert, delete on auth.answered_challenges to tollgate_worker;
select keep_apart('auth.passkeys', 'false');
select keep_apart('auth.answered_challenges', 'false');
