// A turn of an application: one event and what follows from it, under the organization's lock and in one transaction. Whoever is told of it is
// told in that transaction, and its workflow has news.
import type { PoolClient } from 'pg';
import {
  type Onboarding,
  type OnboardingEvent,
  type OnboardingResult,
  type OnboardingWrite,
  stepOnboarding,
} from '../../domain/onboarding.ts';
import { queueMail } from '../notifications/outbox.ts';
import { onboardingWorkflowId, pokeProcess } from '../processes/poke.ts';
import { billingNow } from '../subscriptions/turn.ts';
import { type Application, saveState } from './application-rows.ts';
import { clockAt } from './business-calendar.ts';

interface Told {
  /** The workflow that waits for the answer, and needs no poke to look. */
  readonly asker?: string | undefined;
}

/** Of a `lockedApplication`. What is refused has changed nothing. */
export async function takeOnboardingTurn(
  tx: PoolClient,
  { id, orgId, state: before, form, wakeAt }: Application,
  event: OnboardingEvent,
  { asker }: Told = {},
): Promise<OnboardingResult> {
  const nowMs = await billingNow(tx);
  const result = stepOnboarding(before, event, await clockAt(tx, nowMs));
  if (result.kind === 'refused') return result;
  const { state, writes, wakeAtMs } = result;
  if (state !== before || wakeAtMs !== (wakeAt?.getTime() ?? null)) await saveState(tx, id, state, wakeAtMs);
  for (const one of writes) await tell(tx, { id, orgId, company: form.company ?? '', state }, one);
  const workflowId = onboardingWorkflowId(id);
  if (state !== before && workflowId !== asker) await pokeProcess(tx, workflowId, 'onboarding', id);
  return result;
}

interface About {
  readonly id: string;
  readonly orgId: string;
  readonly company: string;
  readonly state: Onboarding;
}

async function tell(tx: PoolClient, { id, orgId, company, state }: About, write: OnboardingWrite): Promise<void> {
  const about = { applicationId: id, company };
  const event = `${id}:${state.formRevision}`;
  switch (write.kind) {
    case 'received':
      return queueMail(tx, { orgId, kind: 'application_received', key: `application_received:${event}`, facts: about });
    case 'asked': {
      const { question, isReminder, answerByMs } = write;
      return queueMail(tx, {
        orgId,
        kind: 'application_question',
        key: `application_question:${event}${isReminder ? ':again' : ''}`,
        facts: { ...about, question, isReminder, answerBy: new Date(answerByMs).toISOString() },
      });
    }
    case 'waits': {
      const { whom, reminder } = write;
      const level = state.stage.kind === 'in_review' ? state.stage.level : 0;
      return queueMail(tx, {
        orgId,
        kind: 'application_waits',
        key: `application_waits:${event}:${level}:${reminder}`,
        facts: { ...about, duty: whom, businessDays: reminder, level },
      });
    }
    case 'rejected': {
      const facts = { ...about, reason: write.reason };
      return queueMail(tx, { orgId, kind: 'application_rejected', key: `application_rejected:${id}`, facts });
    }
    case 'expired':
      return queueMail(tx, { orgId, kind: 'application_expired', key: `application_expired:${id}`, facts: about });
  }
}
