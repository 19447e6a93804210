-- What people are told. A row is made in the transaction that makes it true, handed to a mail server by a loop of the workers, and kept
-- as the copy that the product shows: one row for each recipient of an event, since each is handed over on his own.

-- Up Migration

create table notifications (
  id uuid primary key,
  -- Made of the event's own ids: whoever tells of it a second time tells nothing new. With the recipient it is the Message-ID.
  event_key text not null check (length(event_key) between 1 and 300),
  -- Null: it is about a person, wherever he belongs, or about what we run.
  org_id uuid references organizations,
  kind text not null check (kind in (
    'verification', 'receipt', 'refunded', 'second_capture_refunded', 'payment_declined', 'payment_needs_you', 'card_expiring',
    'renewal_ahead', 'plan_changed', 'cancelled', 'paused', 'plan_ended',
    'remind', 'limit_warning', 'limited', 'last_warning', 'stopped', 'restored', 'stop_decision',
    'balance_low', 'top_up_done', 'top_up_declined', 'top_up_off',
    'sign_up_code', 'known_address', 'new_sign_in', 'password_reset', 'password_changed', 'second_factor', 'passkey', 'mail_change_code', 'mail_changed', 'account_closed', 'invitation',
    'identity', 'identity_link', 'single_sign_on', 'old_credential_ends', 'credential_leaked', 'channel_key_awaited',
    'application_received', 'application_question', 'application_message', 'application_waits', 'application_rejected', 'application_expired', 'enterprise_welcome')),
  -- A mail address, or 'staff'. Null: the organization has nobody who could be written to.
  recipient text,
  locale text not null check (locale in ('en', 'zh')),
  facts jsonb not null,
  -- A dunning notice, for whose hand-over the ladder waits (domain/overdue-policy.ts).
  invoice_id uuid,
  notice text check (notice in (
    'first_reminder', 'second_reminder', 'third_reminder', 'limit_warning', 'stop_warning', 'plan_end_warning',
    'stop_decision_due', 'stop_decision_late', 'stop_decision_very_late')),
  created_at timestamptz not null default billing_now(),
  -- In billing time, as the ladder counts.
  handed_over_at timestamptz,
  -- Trying again goes by the clock on the wall: a mail server knows no other.
  queued_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null default clock_timestamp(),
  tries integer not null default 0,
  gave_up_at timestamptz,
  error text,
  unique nulls not distinct (event_key, recipient),
  check ((invoice_id is null) = (notice is null)),
  check ((org_id is null) = (kind in ('verification', 'sign_up_code', 'known_address', 'new_sign_in', 'password_reset', 'password_changed', 'second_factor', 'passkey', 'mail_change_code', 'mail_changed', 'account_closed',
    'identity', 'identity_link', 'channel_key_awaited'))),
  check (handed_over_at is null or gave_up_at is null and recipient is not null)
);
create index on notifications (due_at) where handed_over_at is null and gave_up_at is null and recipient is not null;
create index on notifications (queued_at) where handed_over_at is null;
create index on notifications (org_id, created_at desc);

-- Wakes the loops of the workers, each of which also looks by itself now and then.
create function ring_for_mail() returns trigger language plpgsql as $$
begin
  perform pg_notify('tollgate_outbox', 'mail');
  return null;
end $$;
create trigger ring after insert on notifications for each statement execute function ring_for_mail();

grant select, insert on notifications to tollgate_worker;
grant update (facts, locale, tries, due_at, queued_at, gave_up_at, handed_over_at, error) on notifications to tollgate_worker;
-- Facts hold links that let whoever has them act.
grant select (id, event_key, org_id, kind, locale, invoice_id, notice, created_at, handed_over_at, queued_at, due_at, tries, gave_up_at)
  on notifications to tollgate_readonly;
