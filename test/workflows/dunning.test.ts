// A debtor's whole ladder on the server that skips time: what is due comes on its day, a payment ends it at any moment, and what a person
// must decide waits for a person.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { decideStop, dunningWorkflowId, extend, waive } from '../../workflows/contracts/dunning.ts';
import { BILLING_STAGE, NEEDS_ATTENTION, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { retryRefund, subscriptionWorkflowId } from '../../workflows/contracts/subscription.ts';
import { PAID, refusal, sold } from '../domain/billing-world.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { type BillingHouse, houseOfSkippedTime } from '../support/workflows/billing-house.ts';
import { detailsOf } from '../support/workflows/current-details.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let temporal: ThrowawayTemporal;
let house: BillingHouse;

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
});
afterEach(() => house.stop());
afterAll(() => temporal.stop());

function days(count: number): Promise<void> {
  return temporal.environment.sleep(count * DAY_MS);
}

/** A month of Pro is paid on 2 March, and an hour of 2 April has passed: its renewal was declined. */
async function debtors(ids: readonly string[], declineCode: string): Promise<string[]> {
  house = await houseOfSkippedTime(temporal, '2027-03-02T00:00:00Z');
  const { book } = house;
  book.bank = () => refusal(declineCode);
  for (const id of ids) await book.begin(id, sold('pro'));
  await temporal.environment.sleep(31 * DAY_MS + HOUR_MS);
  return [...book.dunnings.keys()];
}

function workflow(workflowId: string): WorkflowHandle {
  return house.client.workflow.getHandle(workflowId);
}

function command(changes: object = {}) {
  return { actor: 'ada', reason: 'they have called', requestId: randomUUID(), ...changes };
}

test('a customer who never pays is reminded, limited on day 7, and without a plan and without debt on day 14', async () => {
  const [invoiceId = ''] = await debtors(['never'], 'stolen_card');
  const { book } = house;

  await days(20);
  await workflow(dunningWorkflowId(invoiceId)).result();
  await workflow(subscriptionWorkflowId('never')).result();

  expect(book.mails.map(({ day, what }) => `${day} ${what}`)).toEqual([
    '2027-04-02 first_reminder',
    '2027-04-05 second_reminder',
    '2027-04-08 limit_warning',
    '2027-04-15 plan_end_warning',
  ]);
  expect(book.stages).toEqual([
    { day: '2027-04-09', what: 'limited' },
    { day: '2027-04-16', what: 'none' },
  ]);
  expect(book.dunnings.get(invoiceId)?.closed).toBe('void');
  expect(book.subscriptions.get('never')?.phase).toEqual({ kind: 'ended', why: 'unpaid' });
  expect(book.attempts.filter((attempt) => attempt.endsWith('#1'))).toHaveLength(1);
});

test('a card that is covered on the third day is charged by the third attempt, and the case is closed', async () => {
  const [invoiceId = ''] = await debtors(['third'], 'insufficient_funds');
  const { book } = house;
  await days(2);
  book.bank = () => PAID;

  await days(2);
  await workflow(dunningWorkflowId(invoiceId)).result();

  expect(book.attempts).toHaveLength(3);
  expect(book.captures.map(({ day }) => day)).toEqual(['2027-03-02', '2027-04-05']);
  expect(book.subscriptions.get('third')?.phase).toEqual({ kind: 'active' });
  expect(book.stages).toEqual([]);
});

test('a payment between any two steps closes the case, restores the customer, and is the only one', async () => {
  const betweenSteps = [0.5, 2, 4, 6.5, 10, 13.5];
  await debtors(
    betweenSteps.map((day) => `late-${day}`),
    'stolen_card',
  );
  const { book } = house;
  let passed = 0;

  for (const day of betweenSteps) {
    await days(day - passed);
    passed = day;
    const invoiceId = [...book.dunnings.keys()].find((id) => id.startsWith(`late-${day}/`)) ?? '';
    await book.paidElsewhere(invoiceId);
    await workflow(dunningWorkflowId(invoiceId)).result();
  }
  await days(3);

  expect([...book.dunnings.values()].map(({ closed }) => closed)).toEqual(betweenSteps.map(() => 'paid'));
  expect([...book.subscriptions.values()].map(({ phase }) => phase.kind)).toEqual(betweenSteps.map(() => 'active'));
  expect(book.captures).toHaveLength(2 * betweenSteps.length);
  expect(book.stages.at(-1)?.what).toBe('none');
});

test('money that arrives when the plan has ended wakes the subscription once more, and goes back', async () => {
  const [invoiceId = ''] = await debtors(['too-late'], 'stolen_card');
  const { book } = house;
  await days(20);
  const subscription = workflow(subscriptionWorkflowId('too-late'));
  await subscription.result();

  await book.paidElsewhere(invoiceId);
  await subscription.result();

  const { phase, toRefund, voided } = book.subscriptions.get('too-late') ?? {};
  expect([phase, toRefund, voided]).toEqual([{ kind: 'ended', why: 'unpaid' }, [], []]);
});

test('money for a void invoice that Stripe would not give back needs a person at once, and goes back by one command', async () => {
  const [invoiceId = ''] = await debtors(['kept'], 'stolen_card');
  const { book } = house;
  await days(20);
  const subscription = workflow(subscriptionWorkflowId('kept'));
  await subscription.result();
  book.refusesRefunds = true;

  await book.paidElsewhere(invoiceId);
  await until(async () => (await subscription.describe()).typedSearchAttributes.get(NEEDS_ATTENTION) === true);
  const details = await detailsOf(subscription);
  book.refusesRefunds = false;
  await subscription.executeUpdate(retryRefund, {
    args: [{ actor: 'ada', reason: 'the dispute is over', requestId: randomUUID() }],
  });
  await subscription.result();

  expect(details).toMatch(/NEEDS ATTENTION: (.|\n)*--name retryRefund/);
  const { toRefund, refundsRefused, voided } = book.subscriptions.get('kept') ?? {};
  expect([toRefund, refundsRefused, voided]).toEqual([[], [], []]);
});

test('nobody is stopped by silence: a month of use is limited on day 15, waits for a decision, is stopped, paid and restored', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book } = house;
  const invoiceId = 'usage-2027-02';
  await book.owe(invoiceId, 30 * DAY_MS);
  const dunning = workflow(dunningWorkflowId(invoiceId));

  await days(30 + 40);
  const undecided = [await dunning.describe(), await detailsOf(dunning)] as const;
  await dunning.executeUpdate(decideStop, { args: [command()] });
  await until(async () => attributesOf(await dunning.describe())[1] === 'stopped');
  const decided = await dunning.describe();
  await book.paidElsewhere(invoiceId);
  await dunning.result();

  expect(attributesOf(undecided[0])).toEqual([true, 'limited']);
  expect(undecided[1]).toMatch(/NEEDS ATTENTION: decide(.|\n)*--name decideStop(.|\n)*docs\/operations\.md/);
  expect(attributesOf(decided)).toEqual([false, 'stopped']);
  expect(attributesOf(await dunning.describe())).toEqual([false, 'paid']);
  expect(book.stages).toEqual([
    { day: '2027-04-15', what: 'limited' },
    { day: '2027-05-10', what: 'stopped' },
    { day: '2027-05-10', what: 'none' },
  ]);
});

test('a person gives time, and then lets go: the ladder stands still meanwhile, and the plan ends without debt', async () => {
  const [invoiceId = ''] = await debtors(['patient'], 'stolen_card');
  const { book } = house;
  const dunning = workflow(dunningWorkflowId(invoiceId));
  await days(6);

  await dunning.executeUpdate(extend, { args: [command({ until: '2027-04-28T00:00:00Z' })] });
  await days(15);
  const meanwhile = book.stages.length;
  await dunning.executeUpdate(waive, { args: [command()] });
  await dunning.result();

  expect(meanwhile).toBe(0);
  expect(book.dunnings.get(invoiceId)?.closed).toBe('void');
  expect(book.subscriptions.get('patient')?.phase).toEqual({ kind: 'ended', why: 'unpaid' });
});

function attributesOf({ typedSearchAttributes: told }: Awaited<ReturnType<WorkflowHandle['describe']>>) {
  return [told.get(NEEDS_ATTENTION), told.get(BILLING_STAGE)];
}
