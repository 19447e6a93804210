// What a process of billing asks of Stripe, as workflows call it. It may take long, and may be repeated: the ask carries the ids that make
// it the same question. What came of it is in the rows when this answers, and the row of whoever asked is the answer: he need not look (D75).
import { ApplicationFailure, activityInfo, log } from '@temporalio/activity';
import type { CardActivities, CardAsk } from '../workflows/contracts/billing-process.ts';
import { beating } from './beating.ts';
import type { lookAfter } from './look-after.ts';

/** `asker`: the workflow that waits for the answer, and needs no poke to look. `onTrouble`: Stripe did not answer, and the row says so. */
export type AnswerCardAsk = (
  ask: CardAsk,
  asker: string | undefined,
  onTrouble: (error: unknown) => void,
) => Promise<void>;

/** Who asks in the task of a workflow holds a place that others need. Then his process asks patiently, and both meet at Stripe (D55). */
const ANSWERED_WITHIN_MS = 4_000;
/** Stripe was silent: so long whoever has something due only looks, and leaves the asking to those who are patient. */
const SILENT_FOR_MS = 10_000;

export function createCardAskActivities(answer: AnswerCardAsk, look: ReturnType<typeof lookAfter>): CardActivities {
  let silentUntilMs = 0;
  const hush = () => {
    silentUntilMs = performance.now() + SILENT_FOR_MS;
  };
  /** For those on watch: by the process it is asked again, for as long as it takes. */
  const unanswered = (asker: string | undefined) => (error: unknown) => {
    if (!isRefusedByStripe(error)) hush();
    log.warn('card_ask_unanswered', { workflowId: asker, err: error });
  };
  return {
    async answerCardAsk(ask) {
      const asker = activityInfo().workflowExecution?.workflowId;
      try {
        await beating(() => answer(ask, asker, unanswered(asker)));
      } catch (error) {
        if (!isRefusedByStripe(error)) throw error;
        log.error('card_ask_refused', { workflowId: asker, ask, err: error });
        throw ApplicationFailure.nonRetryable(error.message, 'CardAskRefused');
      }
      return asker === undefined ? null : look(asker);
    },

    async lookAndAsk() {
      const asker = activityInfo().workflowExecution?.workflowId ?? '';
      const seen = await look(asker);
      if (seen === null) throw ApplicationFailure.nonRetryable(`${asker} has no row that asks Stripe`);
      if (seen.asks.length === 0 || performance.now() < silentUntilMs) return seen;
      const asked = async () => {
        for (const ask of seen.asks) await answer(ask, asker, unanswered(asker));
        return true;
      };
      // The process asks again, as patiently as it takes.
      const answered = asked().catch(unanswered(asker));
      const silence = new Promise<false>((resolve) => setTimeout(resolve, ANSWERED_WITHIN_MS, false).unref());
      if ((await Promise.race([answered, silence])) === false) hush();
      return (await look(asker)) ?? seen;
    },
  };
}

/** What waiting cures comes as a TollgateError (services/payments/stripe-api.ts); what comes as Stripe's own is no better next time. */
function isRefusedByStripe(error: unknown): error is Error {
  return error instanceof Error && 'type' in error && String(error.type).startsWith('Stripe');
}
