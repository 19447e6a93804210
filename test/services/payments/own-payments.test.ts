// A debtor who pays himself while billing is at his invoice: the case waits for him, counts nothing that his cards answer, and is closed by
// his money, which is taken once whoever else asks.
import { expect, test } from '@jest/globals';
import { findDunning } from '../../../services/dunning/dunning-rows.ts';
import { Dunnings } from '../../../services/dunning/dunnings.ts';
import { answerCardAsk } from '../../../services/payments/card-asks.ts';
import { askForCharge } from '../../../services/payments/charges.ts';
import { lookAtPayment, payOnSession } from '../../../services/payments/own-payments.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { cardChanged, noticeHandedOver } from '../../../services/subscriptions/learn.ts';
import { Subscriptions } from '../../../services/subscriptions/subscriptions.ts';
import { billingNow } from '../../../services/subscriptions/turn.ts';
import { control, submit } from '../../fake-stripe/stripe-client.ts';
import {
  type BilledCustomer,
  billed,
  giveCard,
  passBillingMinutes,
  stateOf,
  takenFor,
  tenMilliseconds,
  triesOf,
} from './billed-customer.ts';
import { openTill } from './till.ts';

const till = await openTill();
const dunnings = new Dunnings(till.db);
const subscriptions = new Subscriptions(till.db);
const DAY = 24 * 60;
const returnUrl = 'http://127.0.0.1/back';
const author = { actor: 'pay_page', requestId: newId() };

/** The second month of Pro was declined for want of money today. */
async function debtor(): Promise<BilledCustomer> {
  const { orgId, invoiceId: first } = await billed(till);
  await askForCharge(till, first, 1);
  const { rows } = await till.admin.query<{ id: string }>('select id from subscriptions where org_id = $1', [orgId]);
  const subscriptionId = rows[0]?.id ?? '';
  await giveCard(till, orgId, `pm_fake_declines_insufficient_funds~${orgId}`);
  await passBillingMinutes(till, 32 * DAY);
  const { asks, invoiceId } = await subscriptions.tick(subscriptionId);
  for (const ask of asks) await answerCardAsk(till, ask);
  return { orgId, invoiceId: invoiceId ?? '' };
}

async function cardIdOf(paymentMethod: string): Promise<string> {
  const { rows } = await till.admin.query<{ id: string }>(
    'select id from payment_methods where stripe_payment_method = $1',
    [paymentMethod],
  );
  return rows[0]?.id ?? '';
}

async function giveCardId(orgId: string, card: string): Promise<string> {
  return cardIdOf(await giveCard(till, orgId, card));
}

/** As its workflow does, until the row asks for nothing. */
async function work(invoiceId: string): Promise<void> {
  for (;;) {
    const { asks } = await dunnings.tick(invoiceId);
    if (asks.length === 0) return;
    for (const ask of asks) await answerCardAsk(till, ask);
  }
}

async function stageOf({ orgId }: BilledCustomer): Promise<string> {
  const { rows } = await till.admin.query<{ stage: string }>(
    'select overdue_stage as stage from organizations where id = $1',
    [orgId],
  );
  return rows[0]?.stage ?? '';
}

const warned = ({ invoiceId }: BilledCustomer) =>
  inTransaction(till.db, async (tx) =>
    noticeHandedOver(tx, invoiceId, 'limit_warning', new Date(await billingNow(tx))),
  );

async function attemptsOf({ invoiceId }: BilledCustomer): Promise<number> {
  return (await findDunning(till.db, invoiceId))?.state.invoice.attempts.length ?? 0;
}

test('the page, retry-now and a new card within ten milliseconds take the money once', async () => {
  const customer = await debtor();
  const { orgId, invoiceId } = customer;
  await control(till.stripeUrl, 'fault', {
    answer: 'POST /v1/payment_intents/*/confirm',
    fault: 'delay_before',
    ms: 200,
  });
  const cardId = await giveCardId(orgId, 'pm_card_mastercard');

  const page = payOnSession(till, invoiceId, { cardId, returnUrl, author });
  const retried = dunnings
    .command(invoiceId, { command: 'retryNow', actor: 'test', reason: 'test', requestId: newId() })
    .then(() => work(invoiceId));
  await tenMilliseconds();
  const carded = inTransaction(till.db, (tx) => cardChanged(tx, orgId, cardId, 'test')).then(() => work(invoiceId));
  await Promise.all([page, retried, carded]);

  expect((await takenFor(till, invoiceId)).captured).toEqual([1_900]);
  expect(await stateOf(till, invoiceId)).toBe('paid');
  expect((await dunnings.tick(invoiceId)).closed).toBe('paid');
  await till.admin.query('select expire_grants()');
  expect(await till.differences()).toEqual([]);
});

test('whoever stands before his bank is not limited; his refusal limits him then, and counts for nothing else', async () => {
  const customer = await debtor();
  const { orgId, invoiceId } = customer;
  const cardId = await giveCardId(orgId, 'pm_card_authenticationRequired');
  await passBillingMinutes(till, 6 * DAY);
  await warned(customer);
  await passBillingMinutes(till, DAY - 5);
  await work(invoiceId);
  const attempts = await attemptsOf(customer);
  const atBank = await payOnSession(till, invoiceId, { cardId, returnUrl, author });
  await passBillingMinutes(till, 6);

  await work(invoiceId);
  const held = await stageOf(customer);
  await submit(atBank.kind === 'at_bank' ? atBank.bankPage : '', { outcome: 'fail' });
  await lookAtPayment(till, invoiceId);

  expect([held, await stageOf(customer)]).toEqual(['none', 'limited']);
  expect(await attemptsOf(customer)).toBe(attempts);
  expect(await triesOf(till, invoiceId)).toContain('1.1 declined authenticate payment_intent_authentication_failure');
});

test('money that a limited customer pays himself lifts the restriction at once and closes the case', async () => {
  const customer = await debtor();
  const { orgId, invoiceId } = customer;
  await passBillingMinutes(till, 6 * DAY);
  await work(invoiceId);
  await warned(customer);
  await passBillingMinutes(till, DAY + 1);
  await work(invoiceId);
  const cardId = await giveCardId(orgId, 'pm_card_mastercard');
  const before = await stageOf(customer);

  const outcome = await payOnSession(till, invoiceId, { cardId, returnUrl, author });

  expect([before, outcome.kind, await stageOf(customer)]).toEqual(['limited', 'paid', 'none']);
  expect((await findDunning(till.db, invoiceId))?.state.closed).toBe('paid');
});

test('a customer who never came back from his bank holds his case no longer than its process takes to look', async () => {
  const customer = await debtor();
  const { orgId, invoiceId } = customer;
  const cardId = await giveCardId(orgId, 'pm_card_authenticationRequired');
  await payOnSession(till, invoiceId, { cardId, returnUrl, author });
  const { waitMs } = await dunnings.tick(invoiceId);
  await passBillingMinutes(till, 10);
  await work(invoiceId);
  const underWay = (await findDunning(till.db, invoiceId))?.state.invoice.customerPaysSinceMs;
  await passBillingMinutes(till, 10);

  await work(invoiceId);

  expect(waitMs).toBeLessThanOrEqual(600_000);
  expect(underWay).not.toBeNull();
  expect((await findDunning(till.db, invoiceId))?.state.invoice.customerPaysSinceMs).toBeNull();
  expect(await triesOf(till, invoiceId)).toContain('1.1 declined authenticate authentication_abandoned');
});

test('while he pays himself, retry-now waits for what comes of it', async () => {
  const { orgId, invoiceId } = await debtor();
  const cardId = await giveCardId(orgId, 'pm_card_authenticationRequired');
  await payOnSession(till, invoiceId, { cardId, returnUrl, author });

  const outcome = await dunnings.command(invoiceId, {
    command: 'retryNow',
    actor: 'test',
    reason: 'test',
    requestId: newId(),
  });

  expect(outcome).toEqual({ kind: 'refused', why: 'payment_in_doubt' });
});
