// What docs/operations.md tells an operator to type about subscriptions and unpaid invoices works as it stands there, with the codec on.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DAY_MS, HOUR_MS } from '../../domain/moments.ts';
import { deliverPoke } from '../../workers/process-relay.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { at, sold } from '../domain/billing-world.ts';
import { startCodecEndpoint } from '../support/codec-endpoint.ts';
import { commandsOf, typed } from '../support/operators-page.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { WORKERS_ADMIN_TOKEN, workersCodec } from '../support/worker-process.ts';
import { type BillingHouse, openBillingHouse } from '../support/workflows/billing-house.ts';

const [OF_A_SUBSCRIPTION = ''] = commandsOf('Subscriptions');
const [OF_AN_INVOICE = ''] = commandsOf('Unpaid invoices');

let clockMs = at('2027-03-01T00:00:00Z');
let temporal: ThrowawayTemporal;
let house: BillingHouse;
const codecEndpoint = await startCodecEndpoint();

beforeAll(async () => {
  temporal = await startThrowawayTemporal(SEARCH_ATTRIBUTES);
  house = await openBillingHouse(temporal, async () => clockMs, [workersCodec]);
});
afterAll(async () => {
  codecEndpoint.close();
  await house.stop();
  await temporal.stop();
});

function onThePage(commands: string): Promise<string> {
  return typed(commands, {
    temporalAddress: temporal.environment.address,
    workerUrl: codecEndpoint.url,
    filledIn: {
      '<admin token>': WORKERS_ADMIN_TOKEN,
      '<organization>': 'organization-1',
      '<id>': 'paused-by-hand',
      '<invoice>': 'usage-2027-02',
      '<you>': 'Ada',
      '<why>': 'they have called',
      '<2027-04-30T00:00:00Z>': '2027-04-30T00:00:00Z',
    },
  });
}

test('a subscription is found, poked and told by the commands of the page', async () => {
  const { book } = house;
  await book.begin('paused-by-hand', sold('pro'));
  await until(async () => (await onThePage(firstLineOf(OF_A_SUBSCRIPTION))).includes('Running'));
  const before = book.ticks.length;

  const answer = await onThePage(OF_A_SUBSCRIPTION);

  expect(answer).toMatch(/Running +subscription:paused-by-hand/);
  expect(answer).toContain('atPeriodEnd:pause');
  expect(book.ticks.length).toBeGreaterThan(before);
  expect(book.subscriptions.get('paused-by-hand')?.atPeriodEnd).toBe('pause');
});

test('the case of an unpaid invoice is found and decided by the commands of the page', async () => {
  const { book } = house;
  await book.owe('usage-2027-02', -20 * DAY_MS);
  clockMs += 25 * HOUR_MS; // it was warned a day ago
  await deliverPoke(house.client, { process: 'dunning', subject: 'usage-2027-02' });
  await until(async () => (await onThePage(firstLineOf(OF_AN_INVOICE))).includes('dunning:usage-2027-02'));

  const answer = await onThePage(OF_AN_INVOICE);

  expect(answer).toMatch(/Running +dunning:usage-2027-02/);
  expect(answer).toMatch(/policy:postpaid/);
  const { extensions, stopDecidedAtMs } = book.dunnings.get('usage-2027-02')?.invoice ?? {};
  expect([extensions, stopDecidedAtMs]).toEqual([[{ fromMs: clockMs, toMs: at('2027-04-30T00:00:00Z') }], clockMs]);
});

function firstLineOf(commands: string): string {
  return commands.slice(0, commands.indexOf('\n'));
}
