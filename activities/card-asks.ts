// What a process of billing asks of Stripe, as workflows call it. It may take long, and may be repeated: the ask carries the ids that make
// it the same question. What came of it is in the rows when this answers, and the row of whoever asked is the answer: he need not look (D75).
import { ApplicationFailure, activityInfo, log } from '@temporalio/activity';
import type { CardAsk, ProcessView } from '../workflows/contracts/billing-process.ts';
import { beating } from './beating.ts';
import type { lookAfter } from './look-after.ts';

export interface CardAskActivities {
  answerCardAsk(ask: CardAsk): Promise<ProcessView | null>;
}

/** `asker`: the workflow that waits for the answer, and needs no poke to look. */
export type AnswerCardAsk = (ask: CardAsk, asker: string | undefined) => Promise<void>;

export function createCardAskActivities(answer: AnswerCardAsk, look: ReturnType<typeof lookAfter>): CardAskActivities {
  return {
    async answerCardAsk(ask) {
      const asker = activityInfo().workflowExecution?.workflowId;
      try {
        await beating(() => answer(ask, asker));
      } catch (error) {
        if (!isRefusedByStripe(error)) throw error;
        log.error('card_ask_refused', { workflowId: asker, ask, err: error });
        throw ApplicationFailure.nonRetryable(error.message, 'CardAskRefused');
      }
      return asker === undefined ? null : look(asker);
    },
  };
}

/** What waiting cures comes as a TollgateError (services/payments/stripe-api.ts); what comes as Stripe's own is no better next time. */
function isRefusedByStripe(error: unknown): error is Error {
  return error instanceof Error && 'type' in error && String(error.type).startsWith('Stripe');
}
