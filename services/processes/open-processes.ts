// Processes that go on, as their rows have them: what they wait for, and whether they ask for something, mostly of Stripe, that is not
// answered yet. As the steps of the domain see it (asks of domain/subscription-step.ts, domain/dunning.ts, domain/top-up.ts domain/provisioning.ts and
// domain/channel-key-rotation.ts).
import { PROVISIONING_STEPS } from '../../domain/provisioning.ts';
import type { ProcessName } from './poke.ts';

/**
 * Each: id, org_id, wake_at, is_unanswered, ask_again_ms, before which the one who is in doubt does not ask again, and needs_person, for whose
 * word it waits.
 */
export const OPEN_PROCESSES: Readonly<Record<ProcessName, string>> = {
  subscription: `
    select id, org_id, wake_at,
           phase in ('paying', 'voiding') and state #>> '{phase,authenticateByMs}' is null
             or jsonb_array_length(state -> 'toRefund') > 0 as is_unanswered,
           case when jsonb_array_length(state -> 'toRefund') = 0 then (state #>> '{phase,askAgainAtMs}')::float8 end as ask_again_ms,
           jsonb_array_length(state -> 'refundsRefused') > 0 as needs_person
      from subscriptions where phase <> 'ended' or jsonb_array_length(state -> 'toRefund') > 0 or jsonb_array_length(state -> 'refundsRefused') > 0`,
  dunning: `
    select invoice_id as id, org_id, wake_at,
           coalesce(state #> '{invoice,attempts,-1,answer}' = 'null', false) as is_unanswered,
           (state ->> 'askAgainAtMs')::float8 as ask_again_ms, false as needs_person
      from dunnings where closed is null`,
  topup: `
    select org_id as id, org_id, wake_at, wake_at is null as is_unanswered, null::float8 as ask_again_ms, false as needs_person
      from top_ups where open_number is not null or wake_at is not null`,
  refund: `
    select payment_id as id, org_id, null::timestamptz as wake_at, false as is_unanswered, null::float8 as ask_again_ms, true as needs_person
      from refused_refunds where refund_id is not null`,
  onboarding: `
    select a.id, a.org_id, a.wake_at,
           a.stage in ('provisioning', 'active') or exists (
             select from application_decisions d
              where a.stage = 'in_review' and d.application_id = a.id and d.revision = (a.state ->> 'formRevision')::integer
                and d.level = (a.state #>> '{stage,level}')::integer) as is_unanswered,
           (a.state #>> '{stage,saga,retryAtMs}')::float8 as ask_again_ms, false as needs_person
      from applications a
     where a.stage in ('in_review', 'info_requested', 'provisioning')
        or a.stage = 'active' and jsonb_array_length(a.state #> '{stage,saga,done}') < ${PROVISIONING_STEPS.length}`,
  'rotate:api-key': `
    select id, org_id, wake_at, false as is_unanswered, null::float8 as ask_again_ms, false as needs_person
      from api_key_rotations where ended_at is null`,
  'rotate:master-key': `
    select version as id, null::uuid as org_id, null::timestamptz as wake_at, not is_paused and stage <> 'attention' as is_unanswered,
           null::float8 as ask_again_ms, stage = 'attention' as needs_person
      from master_key_rotations where ended_at is null`,
  'rotate:channel-key': `
    select slot_id as id, null::uuid as org_id, wake_at,
           wake_at is null or stage in ('creating', 'probing', 'revoking', 'verifying', 'undoing') as is_unanswered,
           (state #>> '{stage,againAtMs}')::float8 as ask_again_ms, stage = 'awaiting_key' as needs_person
      from channel_key_rotations where ended_at is null`,
};
