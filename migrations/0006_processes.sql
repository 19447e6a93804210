-- What takes time has a row: Temporal knows when to go on, the row knows how far it is, and a process that was terminated is built
-- again from it. The effect of a person's command is committed here before the command is answered.

-- Up Migration

-- One proof of the ledger. A nightly one is named after its date, others as whoever asked for them likes.
create table reconciliations (
  name text primary key check (name ~ '^[a-z0-9][a-z0-9-]{0,99}$'),
  -- running: round n is being verified. attention: it found something, and a person must say how to go on.
  stage text not null default 'running' check (stage in ('running', 'attention', 'completed', 'dismissed')),
  round integer not null default 1 check (round > 0),
  -- Grows with every change: of two views of this row the one with the higher number is the newer.
  revision integer not null default 1,
  opened_at timestamptz not null default billing_now(),
  -- The result of the last round that came to an end.
  verified_at timestamptz,
  invariants integer check (invariants > 0),
  findings jsonb not null default '[]',
  -- Until then somebody answers, or it is told again.
  answer_by timestamptz,
  ended_at timestamptz,
  check ((stage = 'attention') = (answer_by is not null)),
  check ((stage in ('completed', 'dismissed')) = (ended_at is not null)),
  check (stage <> 'completed' or verified_at is not null and findings = '[]')
);
create index on reconciliations (opened_at) where ended_at is null;
create index on reconciliations (ended_at) where stage = 'completed';

-- What people told processes to do. A command is counted once by its request id, whoever repeats it and however often.
create table process_commands (
  workflow_id text not null,
  request_id uuid not null,
  command text not null,
  actor text not null check (length(actor) between 1 and 200),
  reason text not null check (length(reason) between 1 and 1000),
  -- What was answered, and is answered again.
  effect jsonb not null,
  at timestamptz not null default clock_timestamp(),
  primary key (workflow_id, request_id)
);
-- What has come of one is asked for by its id alone.
create index on process_commands (request_id) where command = 'changePlan';
create trigger append_only before update or delete on process_commands for each row execute function refuse_change();
create trigger not_emptied before truncate on process_commands for each statement execute function refuse_change();

grant select on reconciliations, process_commands to tollgate_worker, tollgate_readonly;
grant insert, update on reconciliations to tollgate_worker;
grant insert on process_commands to tollgate_worker;
