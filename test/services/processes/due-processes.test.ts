// When processes are due, for whoever moves the clock of billing: he waits for what is asked now, and never for what is asked again later.
import { expect, test } from '@jest/globals';
import { nextWake } from '../../../services/processes/due-processes.ts';
import { refusal } from '../subscriptions/bank.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';

const shop = await openPlanShop();

test('a renewal whose outcome nobody knows is due when it is asked about again', async () => {
  await shop.customer('pro', 1, '2031-03-01T00:00:00Z');
  shop.bank = () => ({ kind: 'unknown' });

  await shop.advanceTo('2031-04-01T00:00:00Z');

  expect(await nextWake(shop.db, 'subscription')).toEqual(new Date('2031-04-01T00:10:00Z'));
});

test('a retry whose outcome nobody knows is due when it is asked about again', async () => {
  await shop.customer('pro', 1, '2032-03-01T00:00:00Z');
  shop.bank = ({ nowMs }) =>
    nowMs < Date.parse('2032-04-02T00:00:00Z') ? refusal('insufficient_funds') : { kind: 'unknown' };

  await shop.advanceTo('2032-04-02T00:00:00Z');

  expect(await nextWake(shop.db, 'dunning')).toEqual(new Date('2032-04-02T00:10:00Z'));
});
