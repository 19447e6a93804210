// What the moved clock of billing stops for: whoever waits for a moment is at rest until then, also if it waits for Stripe to be sure.
import { expect, test } from '@jest/globals';
import { nextWake } from '../../../services/processes/due-processes.ts';
import { Desk, EVE } from '../onboarding/desk.ts';
import { refusal } from '../subscriptions/bank.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);

test('a charge in doubt is asked about again ten minutes later, and the clock may go there', async () => {
  await shop.customer('pro', 1, '2030-03-01T00:00:00Z');
  shop.bank = () => ({ kind: 'unknown' });

  await shop.advanceTo('2030-04-01T00:00:00Z');

  expect(await nextWake(shop.db, 'subscription')).toEqual(new Date('2030-04-01T00:10:00Z'));
});

test('so is one of an unpaid invoice', async () => {
  shop.bank = () => refusal('insufficient_funds');
  await shop.advanceTo('2030-04-01T00:10:00Z');
  shop.bank = () => ({ kind: 'unknown' });

  await shop.advanceTo('2030-04-02T00:00:00Z');

  expect(await nextWake(shop.db, 'dunning')).toEqual(new Date('2030-04-02T00:10:00Z'));
});

test('an application waits for the next reminder, a decision that was made for nothing, and one that has ended for nobody', async () => {
  const next = () => nextWake(shop.db, 'onboarding');
  const id = await desk.newApplication();

  const waiting = await next();
  await desk.rejects(EVE, id);
  const decided = await next();
  await desk.look(id);

  // From a Tuesday to the Wednesday after it.
  expect([waiting, decided]).toEqual([new Date('2030-04-03T00:00:00Z'), await shop.now()]);
  expect(await next()).toBeNull();
});
