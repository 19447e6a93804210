-- Somebody who was asked into an organization, by a link to his address. It works once, for a week of real time; a later one for the same address
-- takes its place.

-- Up Migration

create table invitations (
  id uuid primary key,
  org_id uuid not null references organizations,
  email text not null check (email ~ '^[!-?\[-~]+@[!-?\[-~]+$' and length(email) <= 254),
  role text not null check (role in ('owner', 'admin', 'billing', 'developer', 'viewer')),
  -- Null: the operator.
  invited_by uuid references persons,
  created_at timestamptz not null default clock_timestamp(),
  valid_until timestamptz not null,
  accepted_by uuid references persons,
  -- When it was accepted, withdrawn, or replaced.
  ended_at timestamptz,
  check (accepted_by is null or ended_at is not null)
);
create unique index on invitations (org_id, email) where ended_at is null;
create index on invitations (org_id, created_at desc, id desc);

grant select on invitations to tollgate_worker;
grant insert (id, org_id, email, role, invited_by, valid_until), update (email, accepted_by, ended_at) on invitations to tollgate_worker;
-- To whom stays unread (D52).
grant select (id, org_id, role, invited_by, created_at, valid_until, accepted_by, ended_at) on invitations to tollgate_readonly;
