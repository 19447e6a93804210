// Months and years of a subscription on the server that skips time: the workflow is there when the row is due, and nothing is charged
// twice, whoever wakes it and whatever is under way.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { poke } from '../../workflows/contracts/billing-process.ts';
import { NEEDS_ATTENTION, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { cancel, changePlan, pause, resume, subscriptionWorkflowId } from '../../workflows/contracts/subscription.ts';
import { PAID, sold } from '../domain/billing-world.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { type BillingHouse, houseOfSkippedTime } from '../support/workflows/billing-house.ts';
import { detailsOf } from '../support/workflows/current-details.ts';

const DAY_MS = 86_400_000;
const MOST_EVENTS_PER_RENEWAL = 40;
/** As the SDK calls it. */
const IN_ITS_TASK = 'core_local_activity';

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

/** How many events each run had, of those that are over. */
async function eventsOfRuns(client: Client, workflowId: string, firstRunId: string): Promise<number[]> {
  const counts: number[] = [];
  for (let runId: string | null = firstRunId; runId; ) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? null;
    if (runId) counts.push(events?.length ?? 0);
  }
  return counts;
}

async function runIdOf(workflowId: string): Promise<string> {
  return (await house.client.workflow.getHandle(workflowId).describe()).runId;
}

test('a year of months is charged month by month, one run to each, in few events', async () => {
  house = await houseOfSkippedTime(temporal, '2027-01-31T10:00:00Z');
  const { book, client } = house;
  await book.begin('monthly', sold('pro'));
  const firstRunId = await runIdOf(subscriptionWorkflowId('monthly'));

  // The last renewal is due after 365: time does not skip the day after it before it is made.
  await days(366);

  expect(book.captures.map(({ day }) => day)).toEqual(
    ['01-31', '02-28', '03-31', '04-30', '05-31', '06-30', '07-31', '08-31', '09-30', '10-31', '11-30', '12-31']
      .map((date) => `2027-${date}`)
      .concat('2028-01-31'),
  );
  const counts = await eventsOfRuns(client, subscriptionWorkflowId('monthly'), firstRunId);
  expect(counts).toHaveLength(12);
  expect(Math.max(...counts)).toBeLessThanOrEqual(MOST_EVENTS_PER_RENEWAL);
});

/** Activities by their names, and what the workflow did as a part of its own task. */
async function stepsOf(client: Client, workflowId: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const name =
      event.activityTaskScheduledEventAttributes?.activityType?.name ?? event.markerRecordedEventAttributes?.markerName;
    return name ? [name] : [];
  });
}

test('a renewal is one step in one task: what is due is looked up, asked of Stripe, and looked at again', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  await book.begin('renewed', sold('pro'));

  await days(40);

  expect(await stepsOf(client, subscriptionWorkflowId('renewed'))).toEqual([IN_ITS_TASK]);
  expect(book.captures).toHaveLength(2);
});

test('what Stripe does not answer in that step is asked for until it does, and charged once', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  await book.begin('silent', sold('pro'));
  let silences = 0;
  book.bank = async () => {
    silences += 1;
    if (silences < 3) throw new Error('Stripe is silent');
    return PAID;
  };

  await days(40);

  expect(await stepsOf(client, subscriptionWorkflowId('silent'))).toEqual([IN_ITS_TASK, 'answerCardAsk']);
  expect(book.captures.map(({ day }) => day)).toEqual(['2027-03-01', '2027-04-01']);
});

test('whom Stripe keeps waiting in that step goes on without, asks patiently, and is charged once', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  const slow = Promise.withResolvers<typeof PAID>();
  await book.begin('slow', sold('pro'));
  book.bank = () => (book.attempts.length === 1 ? slow.promise : PAID);

  await days(40);
  slow.resolve(PAID);

  const steps = await stepsOf(client, subscriptionWorkflowId('slow'));
  expect(steps).toEqual([IN_ITS_TASK, 'answerCardAsk']);
  expect(book.captures.map(({ day }) => day)).toEqual(['2027-03-01', '2027-04-01']);
});

test('a year that begins on a leap day is charged once a year, and credited every month', async () => {
  house = await houseOfSkippedTime(temporal, '2028-02-29T00:00:00Z');
  const { book } = house;
  await book.begin('yearly', sold('pro', 12));

  await days(2 * 365 + 20);

  expect(book.captures.map(({ day }) => day)).toEqual(['2028-02-29', '2029-02-28', '2030-02-28']);
  expect(book.subscriptions.get('yearly')).toMatchObject({ period: { firstMonth: 24 }, creditedMonth: 24 });
});

test('who is poked while Stripe has the question looks at once, and asks nothing twice', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  const bank = Promise.withResolvers<typeof PAID>();
  await book.begin('poked', sold('pro'));
  book.bank = async () => {
    if (book.attempts.length === 1) throw new Error('Stripe is silent');
    return bank.promise;
  };
  const passing = days(40);
  await until(() => book.attempts.length === 2);
  const before = book.ticks.length;

  await client.workflow.getHandle(subscriptionWorkflowId('poked')).signal(poke);
  await until(() => book.ticks.length > before);
  bank.resolve(PAID);
  await passing;

  expect(book.attempts).toHaveLength(2);
  expect(book.captures.map(({ day }) => day)).toEqual(['2027-03-01', '2027-04-01']);
});

test('a command counts before it is answered, and what was cancelled ends with its period', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  await book.begin('cancelled', sold('pro'));
  const handle = client.workflow.getHandle(subscriptionWorkflowId('cancelled'));

  const view = await handle.executeUpdate(cancel, { args: [command()] });
  await days(35);
  await handle.result();

  expect(view).toMatchObject({ atPeriodEnd: 'cancel', phase: 'active', runbook: 'docs/operations.md' });
  expect(book.subscriptions.get('cancelled')?.phase).toEqual({ kind: 'ended', why: 'cancelled' });
  expect(book.captures).toHaveLength(1);
});

test('a plan that is paused costs nothing until it is resumed, and another plan is charged at once', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  await book.begin('resumed', sold('pro'));
  const handle = client.workflow.getHandle(subscriptionWorkflowId('resumed'));

  await handle.executeUpdate(pause, { args: [command()] });
  await days(60);
  await handle.executeUpdate(resume, { args: [command()] });
  await days(10);
  await handle.executeUpdate(changePlan, { args: [{ ...command(), plan: 'team', months: 1 }] });
  await days(10);

  expect(book.captures.map(({ day }) => day)).toEqual(['2027-03-01', '2027-04-30', '2027-05-10']);
  expect(book.subscriptions.get('resumed')).toMatchObject({
    phase: { kind: 'active' },
    terms: { planVersionId: 'team-1' },
  });
});

test('what Stripe refuses outright needs a person, and is asked again until it goes through', async () => {
  house = await houseOfSkippedTime(temporal, '2027-03-01T00:00:00Z');
  const { book, client } = house;
  await book.begin('refused', sold('pro'));
  const handle = client.workflow.getHandle(subscriptionWorkflowId('refused'));
  let refusals = 0;
  book.bank = () => {
    refusals += 1;
    throw Object.assign(new Error('no such customer'), { type: 'StripeInvalidRequestError' });
  };

  await days(31);
  await temporal.environment.sleep('2 hours');
  const flagged = await handle.describe();
  const details = await detailsOf(handle);
  book.bank = () => PAID;
  await temporal.environment.sleep('2 hours');

  expect(refusals).toBeGreaterThan(1);
  expect(flagged.typedSearchAttributes.get(NEEDS_ATTENTION)).toBe(true);
  expect(details).toMatch(/NEEDS ATTENTION: charge of refused\/.*: no such customer/);
  expect((await handle.describe()).typedSearchAttributes.get(NEEDS_ATTENTION)).toBe(false);
  expect(book.captures).toHaveLength(2);
});

function command() {
  return { actor: 'ada', reason: 'the customer asked for it', requestId: randomUUID() };
}
