// Subscriptions and debts on a whole Temporal, whose clock is not the clock of billing: that one is moved from event to event, as on a demo.
// Whatever is terminated, the rows come to the same end.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DAY_MS, MINUTE_MS } from '../../domain/moments.ts';
import { deliverPoke } from '../../workers/process-relay.ts';
import { dunningWorkflowId } from '../../workflows/contracts/dunning.ts';
import { RECONCILIATION_TICK } from '../../workflows/contracts/reconciliation.ts';
import { NEXT_ACTION_AT, SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { cancel, subscriptionWorkflowId } from '../../workflows/contracts/subscription.ts';
import { CORE_QUEUE } from '../../workflows/contracts/task-queues.ts';
import { at, PAID, refusal, sold, UNKNOWN } from '../domain/billing-world.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import type { BillingBook } from '../support/workflows/billing-book.ts';
import { type BillingHouse, openBillingHouse } from '../support/workflows/billing-house.ts';
import { detailsOf } from '../support/workflows/current-details.ts';

const BEGIN = at('2027-03-01T00:30:00Z');
const TWINS_MS = 120_000;

let temporal: ThrowawayTemporal;
let house: BillingHouse;
let clockMs = BEGIN;
let terminations = 0;
let terminated = 0;

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
});
afterEach(() => house.stop());
afterAll(() => temporal.stop());

async function openHouse(): Promise<BillingHouse> {
  clockMs = BEGIN;
  house = await openBillingHouse(temporal, async () => clockMs);
  return house;
}

/** From event to event; null: nothing is due before the given moment. */
function nextDue(book: BillingBook, untilMs: number): number | null {
  const due = [...book.wakes.values()].map(({ atMs }) => atMs ?? Number.POSITIVE_INFINITY);
  const next = Math.min(...due, untilMs);
  return next >= untilMs ? null : next;
}

async function pokeDue(): Promise<void> {
  for (const { of, id } of house.book.unattended(clockMs)) {
    await deliverPoke(house.client, { process: of, subject: id });
  }
}

function rest(): Promise<void> {
  return until(() => house.book.unattended(clockMs).length === 0);
}

async function advanceTo(untilMs: number): Promise<void> {
  for (let next = nextDue(house.book, untilMs); next !== null; next = nextDue(house.book, untilMs)) {
    clockMs = next;
    await pokeDue();
    await rest();
  }
  clockMs = untilMs;
}

test('a case is found by its organization, its stage, its next step and whether it needs somebody', async () => {
  const { book, client } = await openHouse();
  book.bank = () => refusal('stolen_card');
  await book.begin('found', sold('pro'));
  await book.owe('usage', 0);
  await advanceTo(BEGIN + 40 * DAY_MS);
  const found = async (query: string) => {
    const ids: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
    return ids.sort();
  };
  const [invoiceId = ''] = [...book.dunnings.keys()].filter((id) => id !== 'usage');

  await until(async () => (await found(`BillingStage = 'limited' and ExecutionStatus = 'Running'`)).length === 2);

  expect(await found(`AccountId = 'organization-1' and ExecutionStatus = 'Running'`)).toEqual(
    [dunningWorkflowId(invoiceId), dunningWorkflowId('usage'), subscriptionWorkflowId('found')].sort(),
  );
  expect(await found(`NeedsAttention = true and ExecutionStatus = 'Running'`)).toEqual([dunningWorkflowId('usage')]);
  expect(await found(`AmountDueCents >= 1900 and ExecutionStatus = 'Running'`)).toHaveLength(2);
  const { typedSearchAttributes } = await client.workflow.getHandle(dunningWorkflowId(invoiceId)).describe();
  expect(typedSearchAttributes.get(NEXT_ACTION_AT)?.getTime()).toBeGreaterThan(clockMs);
});

test('an update that is under way when the cycle ends is answered by its run, and the next run goes on and is still explained', async () => {
  const { book, client } = await openHouse();
  await book.begin('updated', sold('pro'));
  const handle = client.workflow.getHandle(subscriptionWorkflowId('updated'));
  const { runId } = await handle.describe();
  const obeyed = Promise.withResolvers<void>();
  book.commandsWait = obeyed.promise;
  clockMs = at('2027-04-01T00:30:00Z') - 1_000;
  await deliverPoke(client, { process: 'subscription', subject: 'updated' });

  const command = { actor: 'ada', reason: 'asked at the last moment', requestId: randomUUID() };
  const update = handle.executeUpdate(cancel, { args: [command] });
  await until(() => book.commandsSent === 1);
  await until(
    async () => (await handle.fetchHistory()).events?.some((event) => event.timerFiredEventAttributes) ?? false,
  );
  obeyed.resolve();
  const view = await update;
  clockMs += 2_000;
  await handle.result();

  expect(view).toMatchObject({ atPeriodEnd: 'cancel' });
  expect(book.subscriptions.get('updated')?.phase).toEqual({ kind: 'ended', why: 'cancelled' });
  expect((await handle.describe()).runId).not.toBe(runId);
  expect(await detailsOf(handle)).toContain('Charges each period of a subscription');
});

// Not on the server that skips time: there an update that follows one which a validator refused was lost half of the time (1.40).
test('a command is refused with its reason, by the row or because it says too little', async () => {
  const { book, client } = await openHouse();
  await book.begin('refusing', sold('pro'));
  await book.owe('refusing-usage', 0);
  const told = { actor: 'ada', reason: 'they have called', requestId: randomUUID() };
  const tell = (workflowId: string, name: string, args: object) =>
    client.workflow
      .getHandle(workflowId)
      .executeUpdate(name, { args: [args] })
      .catch(causeOf);
  const subscription = subscriptionWorkflowId('refusing');
  const dunning = dunningWorkflowId('refusing-usage');

  const answers = [
    await tell(subscription, 'resume', told),
    await tell(subscription, 'cancel', { ...told, reason: '' }),
    await tell(subscription, 'changePlan', told),
    await tell(dunning, 'retryNow', told),
    await tell(dunning, 'extend', { ...told, until: 'tomorrow' }),
    await tell(dunning, 'skipTo', told),
  ];

  expect(answers).toEqual([
    ['CommandRefused', 'wrong_state'],
    ['CommandIncomplete', expect.stringMatching(/^reason: why/)],
    ['CommandIncomplete', 'plan: the name of a plan'],
    ['CommandRefused', 'not_for_this_policy'],
    ['CommandIncomplete', expect.stringMatching(/^until: a moment with its time zone/)],
    ['CommandIncomplete', expect.stringMatching(/^step: where on the ladder/)],
  ]);
});

function causeOf(error: unknown): unknown {
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) return error;
  return [error.cause.type, error.cause.message];
}

/** Who pays how, and what people say on which day. */
async function letThemLive(disturb: (untilMs: number) => Promise<void>): Promise<object> {
  const { book } = await openHouse();
  const asked = new Map<string, number>();
  book.bank = (invoiceId, nowMs) => {
    const times = (asked.get(invoiceId) ?? 0) + 1;
    asked.set(invoiceId, times);
    if (invoiceId.startsWith('broke/')) return refusal('insufficient_funds');
    if (invoiceId.startsWith('late/')) return nowMs < BEGIN + 34 * DAY_MS ? refusal('insufficient_funds') : PAID;
    return invoiceId.startsWith('doubtful/') && times === 1 ? UNKNOWN : PAID;
  };
  await book.begin('steady', sold('pro'));
  await book.begin('late', sold('pro'));
  await book.begin('broke', sold('team'));
  await book.begin('doubtful', sold('pro', 12));
  await book.owe('usage', 10 * DAY_MS);
  for (let day = 2; day <= 70; day += 4) {
    await advanceTo(BEGIN + day * DAY_MS);
    await disturb(BEGIN + (day + 4) * DAY_MS);
  }
  await advanceTo(BEGIN + 76 * DAY_MS);
  return {
    subscriptions: [...book.subscriptions].map(([id, { phase, period, voided }]) => [
      id,
      phase.kind,
      period.firstMonth,
      voided.length,
    ]),
    dunnings: [...book.dunnings]
      .map(([id, { closed, invoice }]) => [id, closed, Object.keys(invoice.handedOver)])
      .sort(),
    captures: book.captures.map(({ day, what }) => `${day} ${what}`).sort(),
    mails: book.mails.map(({ day, what }) => `${day} ${what}`).sort(),
  };
}

/**
 * At rest, or in the middle of what has just fallen due, or before anybody has heard of it: then nobody is there, until the hourly tick
 * finds what is late.
 */
async function terminateAll(untilMs: number): Promise<void> {
  terminations += 1;
  const dueMs = nextDue(house.book, untilMs - 11 * MINUTE_MS);
  if (dueMs !== null && terminations % 3 !== 0) clockMs = dueMs;
  if (terminations % 3 === 1) await pokeDue();
  const ends = [...house.book.wakes.keys()].map((id) => house.client.workflow.getHandle(id).terminate('a mistake'));
  terminated += (await Promise.allSettled(ends)).filter(({ status }) => status === 'fulfilled').length;
  if (dueMs !== null) clockMs = dueMs + 11 * MINUTE_MS;
  await house.client.workflow.execute(RECONCILIATION_TICK, {
    workflowId: `tick:${randomUUID()}`,
    taskQueue: CORE_QUEUE,
    args: [{ v: 1 }],
  });
  await rest();
}

test(
  'when all workflows are terminated again and again, one tick each brings the rows to the same end',
  async () => {
    const undisturbed = await letThemLive(async () => undefined);
    await house.stop();
    const disturbed = await letThemLive(terminateAll);

    expect(disturbed).toEqual(undisturbed);
    expect(terminated).toBeGreaterThan(10);
  },
  TWINS_MS,
);
