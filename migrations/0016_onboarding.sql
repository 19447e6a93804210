-- How an organization becomes an enterprise: what it applies with, what is said and decided about it, and how far its conversion is. A
-- decision is a row, written by our API for whoever may decide; a workflow is only ever told its id, and reads it again (D90).

-- Up Migration

-- In whose days we are reminded (domain/business-time.ts).
create table business_calendars (
  is_the_only boolean primary key default true check (is_the_only),
  -- Of the IANA list.
  time_zone text not null
);
insert into business_calendars (time_zone) values ('UTC');

-- Beside Saturdays and Sundays.
create table business_holidays (
  day date primary key,
  -- Rather a Saturday or Sunday on which people work.
  is_workday boolean not null default false
);

-- Who of us is reminded of what waits for a decision. Without a row it is the address of the staff (MAIL_STAFF).
create table staff_addresses (
  duty text not null check (duty in ('business', 'head')),
  email text not null check (email ~ '^[!-?\[-~]+@[!-?\[-~]+$' and length(email) <= 254),
  locale text not null default 'en' check (locale in ('en', 'zh')),
  primary key (duty, email)
);

create table applications (
  id uuid primary key,
  org_id uuid not null references organizations,
  stage text not null check (stage in ('draft', 'in_review', 'info_requested', 'provisioning', 'active', 'rejected', 'withdrawn', 'expired')),
  -- ApplicationForm of domain/application-form.ts, perhaps not complete yet; what was submitted stands in application_revisions.
  form jsonb not null check (jsonb_typeof(form) = 'object'),
  -- Counts the changes of the form that is written.
  version integer not null default 1,
  applied_by text not null check (length(applied_by) between 1 and 200),
  -- Onboarding of domain/onboarding.ts.
  state jsonb not null,
  revision integer not null,
  -- When time alone changes something; null: only an event will, or something is asked for.
  wake_at timestamptz,
  created_at timestamptz not null default billing_now(),
  submitted_at timestamptz
);
create unique index one_open_application on applications (org_id) where stage not in ('active', 'rejected', 'withdrawn', 'expired');
create index on applications (org_id, created_at desc, id desc);
create index on applications (stage, created_at, id);

create table application_revisions (
  application_id uuid not null references applications,
  revision integer not null check (revision > 0),
  form jsonb not null,
  -- As one company is told from another (domain/risk-hints.ts).
  company text not null,
  domain text not null,
  submitted_by text not null check (length(submitted_by) between 1 and 200),
  submitted_at timestamptz not null default billing_now(),
  primary key (application_id, revision)
);
create index on application_revisions (company);
create index on application_revisions (domain);

-- Of one revision and level there is one, whoever clicks second.
create table application_decisions (
  id uuid primary key,
  application_id uuid not null,
  revision integer not null,
  level smallint not null check (level > 0),
  kind text not null check (kind in ('approve', 'ask', 'reject')),
  -- EnterpriseTerms of domain/enterprise-terms.ts.
  terms jsonb check (jsonb_typeof(terms) = 'object'),
  reason text check (length(reason) between 1 and 2000),
  actor text not null check (length(actor) between 1 and 200),
  at timestamptz not null default billing_now(),
  unique (application_id, revision, level),
  foreign key (application_id, revision) references application_revisions,
  check ((terms is not null) = (kind = 'approve' and level = 1)),
  check (kind = 'approve' or reason is not null)
);

create table application_messages (
  id uuid primary key,
  application_id uuid not null references applications,
  side text not null check (side in ('applicant', 'staff')),
  actor text not null check (length(actor) between 1 and 200),
  body text not null check (length(body) between 1 and 5000),
  at timestamptz not null default billing_now()
);
create index on application_messages (application_id, at, id);

-- The link behind which an enterprise makes its first API key. Another one takes its place; by real time, which no demo moves.
create table welcome_links (
  application_id uuid primary key references applications,
  id uuid not null unique,
  valid_until timestamptz not null,
  used_at timestamptz
);

create trigger append_only before update or delete on application_revisions for each row execute function refuse_change();
create trigger not_emptied before truncate on application_revisions for each statement execute function refuse_change();
create trigger append_only before update or delete on application_decisions for each row execute function refuse_change();
create trigger not_emptied before truncate on application_decisions for each statement execute function refuse_change();
create trigger append_only before update or delete on application_messages for each row execute function refuse_change();
create trigger not_emptied before truncate on application_messages for each statement execute function refuse_change();

-- The running plan of who becomes an enterprise ends, and what is unused of it is credited as in an upgrade (domain/proration.ts). What is
-- still deferred of its price comes over with it; the rest is an adjustment, like a month's credit that is worth more than its price.
-- p_id is made of the application. False: it was credited before. Caller holds the organization.
create function credit_unused_plan(p_id uuid, p_org uuid, p_amount bigint, p_actor text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_deferred bigint;
begin
  if exists (select from credit_grants g where g.id = p_id) then return false; end if;
  select greatest(0, -coalesce(sum(e.amount_nano), 0)) into v_deferred from ledger_entries e where e.account = 'deferred_plan' and e.org_id = p_org;
  perform post_transaction('grant', 'grant:' || p_id, 'grant', p_id::text, p_actor,
    open_grant(p_id, p_org, 'manual', 20::smallint, p_amount, (least(v_deferred, p_amount) / 10000000)::integer, null, null, 'unused value of the plan before', p_actor)
    || case when v_deferred = 0 then '[]'::jsonb else jsonb_build_array(jsonb_build_object('account', 'deferred_plan', 'org', p_org, 'amount', v_deferred)) end
    || case when v_deferred = p_amount then '[]'::jsonb
            else jsonb_build_array(jsonb_build_object('account', 'deferred_adjust', 'org', p_org, 'amount', p_amount - v_deferred)) end);
  return true;
end $$;

grant select on business_calendars, business_holidays, applications, application_revisions, application_decisions, application_messages,
  welcome_links to tollgate_worker;
grant select on staff_addresses to tollgate_worker;
grant insert (id, org_id, stage, form, applied_by, state, revision), update (stage, form, version, state, revision, wake_at, submitted_at)
  on applications to tollgate_worker;
grant insert (application_id, revision, form, company, domain, submitted_by) on application_revisions to tollgate_worker;
grant insert (id, application_id, revision, level, kind, terms, reason, actor) on application_decisions to tollgate_worker;
grant insert (id, application_id, side, actor, body) on application_messages to tollgate_worker;
grant insert (application_id, id, valid_until), update (id, valid_until, used_at) on welcome_links to tollgate_worker;
-- What applicants and staff write, and who they are, stays unread (D52).
grant select on business_calendars, business_holidays to tollgate_readonly;
grant select (id, org_id, stage, version, revision, wake_at, created_at, submitted_at) on applications to tollgate_readonly;
grant select (application_id, revision, submitted_at) on application_revisions to tollgate_readonly;
grant select (id, application_id, revision, level, kind, terms, at) on application_decisions to tollgate_readonly;
grant select (application_id, valid_until, used_at) on welcome_links to tollgate_readonly;
revoke execute on function credit_unused_plan(uuid, uuid, bigint, text) from public;
grant execute on function credit_unused_plan(uuid, uuid, bigint, text) to tollgate_worker;
