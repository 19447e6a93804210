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
