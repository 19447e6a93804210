// That everything has come to an end or waits for a moment that is still to come, and that everybody was told, once or twice.
import type { BillingFacts } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';

/** The clock may have gone on by so much since all was at rest. */
const SLACK_MS = 120_000;
const MOST_COPIES = 2;

export function judgeRest(facts: BillingFacts): BillingFinding[] {
  return [
    ...judgeProcesses(facts),
    ...facts.workflows.flatMap(({ id, failure }) => (failure === null ? [] : [finding('workflow_fails', id, failure)])),
    ...facts.undelivered.map((id) => finding('news_undelivered', id, 'nobody has followed it')),
    ...judgeMails(facts),
    ...facts.broken.map((what) => finding('invariant_broken', what, 'says the verifier')),
  ];
}

/** Whoever sleeps needs no workflow that sleeps with him, if he knows when to wake. */
function judgeProcesses({ subscriptions, cases, workflows, now }: BillingFacts): BillingFinding[] {
  const running = new Set(workflows.map(({ id }) => id));
  const open = [
    ...subscriptions
      .filter(({ phase }) => phase !== 'ended')
      .map(({ id, wakeAt, asks }) => ({ id: `subscription:${id}`, wakeAt, asks })),
    ...cases
      .filter(({ closed }) => closed === null)
      .map(({ invoiceId, wakeAt }) => ({ id: `dunning:${invoiceId}`, wakeAt, asks: false })),
  ];
  return open.flatMap(({ id, wakeAt, asks }) => {
    if (asks) return [finding('process_stuck', id, 'it waits for Stripe, which has nothing to do')];
    if (wakeAt !== null && wakeAt.getTime() + SLACK_MS < now.getTime()) {
      return [finding('process_stuck', id, `it should have gone on at ${wakeAt.toISOString()}`)];
    }
    if (wakeAt === null && !running.has(id))
      return [finding('process_stuck', id, 'no moment will wake it, and no workflow runs')];
    return [];
  });
}

function judgeMails({ mails, handedOver }: BillingFacts): BillingFinding[] {
  const copies = Map.groupBy(mails, ({ messageId }) => messageId ?? 'without a Message-ID');
  const repeated = [...copies].filter(([id, all]) => all.length > MOST_COPIES || id.startsWith('without'));
  return [
    ...repeated.map(([id, all]) => finding('mail_repeated', id, `${all.length} times, to ${all[0]?.to.join()}`)),
    ...(copies.size === handedOver
      ? []
      : [finding('mail_missing', 'all', `${handedOver} were handed over, the mail server has ${copies.size}`)]),
  ];
}
