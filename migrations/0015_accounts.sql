-- How people get in. Who somebody is stands in persons alone: everything here hangs on a person's id and repeats nothing of him. What opens an
-- account is kept only in a form that opens none, and all of it is read by the worker's role alone. Everything goes by real time: no demo moves it.

-- Up Migration

create schema auth;

-- better-auth's accounts: one for each person with a password, the person's own id as its account_id.
create table auth.accounts (
  id uuid primary key,
  person_id uuid not null unique references persons,
  provider_id text not null check (provider_id = 'credential'),
  account_id uuid not null check (account_id = person_id),
  -- argon2id with its parameters, as PHC strings have them.
  password_hash text not null check (password_hash like '$argon2id$%'),
  created_at timestamptz not null,
  changed_at timestamptz not null
);

-- better-auth's sessions. What the browser has is 256 random bits; here is their SHA-256.
create table auth.sessions (
  id uuid primary key,
  person_id uuid not null references persons,
  id_hash bytea not null unique check (length(id_hash) = 32),
  created_at timestamptz not null,
  -- To the minute.
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  client_address text not null,
  user_agent text not null
);
create index on auth.sessions (person_id);
create index on auth.sessions (expires_at);

-- From where somebody has got in before: the SHA-256 of what his browser calls itself and of his network.
create table auth.known_places (
  person_id uuid not null references persons,
  place bytea not null check (length(place) = 32),
  -- Forgotten after a year.
  seen_at timestamptz not null default clock_timestamp(),
  primary key (person_id, place)
);
create index on auth.known_places (seen_at);

-- Somebody who has asked for an account and not yet said the code of our mail. There is no person before that, so nobody keeps another one's address.
create table auth.sign_ups (
  id uuid primary key,
  -- SHA-256 of what the browser has: nobody else's browser can use the code that the mail tells.
  secret_hash bytea not null unique check (length(secret_hash) = 32),
  email text not null,
  name text not null check (length(name) between 1 and 200),
  locale text not null check (locale in ('en', 'zh')),
  time_zone text not null,
  password_hash text not null check (password_hash like '$argon2id$%'),
  valid_until timestamptz not null,
  tries integer not null default 0,
  created_at timestamptz not null default clock_timestamp()
);
create index on auth.sign_ups (email, created_at);

-- A link by which a password is changed. What is in it is made of the id by TOLLGATE_LINK_SECRET, which is not here.
create table auth.password_resets (
  id uuid primary key,
  person_id uuid not null references persons,
  created_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz not null,
  used_at timestamptz
);
create index on auth.password_resets (person_id, created_at);

-- What has been tried and was not right, each thing once: whoever repeats one mistake has made one. Names, networks and secrets as HMACs.
create table auth.attempts (
  purpose text not null check (purpose in ('sign_in', 'sign_up', 'password_reset', 'single_sign_on')),
  subject bytea not null check (length(subject) = 32),
  network bytea not null check (length(network) = 32),
  secret bytea not null check (length(secret) = 32),
  tried_at timestamptz not null default clock_timestamp(),
  primary key (purpose, subject, network, secret)
);
create index on auth.attempts (network, tried_at);
create index on auth.attempts (tried_at);

-- Who has a second factor, or has begun to: it counts once enrolled_at is set.
create table auth.second_factors (
  person_id uuid primary key references persons,
  -- Sealed by the vault (services/vault): the seed of the authenticator app.
  sealed jsonb not null,
  master_key_version integer not null,
  enrolled_at timestamptz,
  -- Of the last code that was taken: none of that step or before is taken again.
  last_step bigint not null default 0,
  wrong_on date,
  wrong_today integer not null default 0
);

-- Those that were not used, as the SHA-256 of 80 random bits.
create table auth.recovery_codes (
  person_id uuid not null references auth.second_factors on delete cascade,
  code_hash bytea not null check (length(code_hash) = 32),
  primary key (person_id, code_hash)
);

-- Who has proved his password and has still to prove the second factor. What the browser has is 256 random bits; here is their SHA-256.
create table auth.challenges (
  secret_hash bytea primary key check (length(secret_hash) = 32),
  person_id uuid not null references persons,
  valid_until timestamptz not null,
  tries integer not null default 0
);

-- The secret by which somebody becomes the first admin, while there is none: one at a time, by its SHA-256.
create table auth.bootstraps (
  secret_hash bytea primary key check (length(secret_hash) = 32),
  valid_until timestamptz not null
);

-- What our own people may do. A person without a row is none of them.
create table staff_roles (
  person_id uuid not null references persons,
  role text not null check (role in ('support', 'business', 'ops', 'admin')),
  granted_at timestamptz not null default clock_timestamp(),
  primary key (person_id, role)
);

grant usage on schema auth to tollgate_worker;
grant select, insert, delete, update (password_hash, changed_at) on auth.accounts to tollgate_worker;
grant select, insert, delete, update (seen_at, expires_at) on auth.sessions to tollgate_worker;
grant select, insert, delete, update (seen_at) on auth.known_places to tollgate_worker;
grant select, insert, delete, update (tries) on auth.sign_ups to tollgate_worker;
grant select, insert, delete, update (used_at) on auth.password_resets to tollgate_worker;
grant select, insert, delete, update (tried_at) on auth.attempts to tollgate_worker;
grant select, insert, delete, update (enrolled_at, last_step, wrong_on, wrong_today) on auth.second_factors to tollgate_worker;
grant select, insert, delete, update (tries) on auth.challenges to tollgate_worker;
grant select, insert, delete on auth.recovery_codes, auth.bootstraps, staff_roles to tollgate_worker;
grant select on staff_roles to tollgate_readonly;
