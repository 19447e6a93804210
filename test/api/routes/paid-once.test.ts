// An invoice that is paid on its page takes the money once, whatever is clicked, by whomever and in which order, and whatever Stripe or a
// bank does meanwhile.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { recordPayment } from '../../../services/payments/payments.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { control, faultOnAllTries, noMoreFaults, submit } from '../../fake-stripe/stripe-client.ts';
import {
  billed,
  type Counter,
  giveCard,
  passBillingMinutes,
  stateOf,
  takenFor,
  tenMilliseconds,
  triesOf,
} from '../../services/payments/billed-customer.ts';
import { type ManagementApp, startManagementApp } from './management-app.ts';
import { counterOf, Visitor } from './visitor.ts';

const CONFIRM = 'POST /v1/payment_intents/*/confirm';
const ONCE = { asked: 1, captured: [1_900] };

let app: ManagementApp;
let counter: Counter;
let visitor: Visitor;

beforeAll(async () => {
  app = await startManagementApp();
  counter = counterOf(app);
  visitor = new Visitor(app);
});
afterAll(() => app.close());
afterEach(() => noMoreFaults(app.stripe));

test('a card on file pays, the page says so, and afterwards there is nothing to press', async () => {
  const customer = await billed(counter);

  const pressed = await visitor.press(customer);
  const { text } = await visitor.open(pressed.location);
  const again = await visitor.press(customer);

  expect(pressed).toEqual({ status: 303, location: new URL(visitor.linkOf(customer)).pathname });
  expect(text).toContain('Paid, thank you');
  expect(text).not.toContain('<form');
  expect(again.status).toBe(303);
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
  expect(await triesOf(counter, customer.invoiceId)).toEqual(['1.1 paid']);
  expect(await stateOf(counter, customer.invoiceId)).toBe('paid');
});

test('whoever presses is on record once: from where, by which request, and which card was asked', async () => {
  const customer = await billed(counter);

  await visitor.press(customer);
  await visitor.press(customer);

  const { rows } = await app.db.query(
    `select actor, org_id as "orgId", client_address as "clientAddress", request_id as "requestId", after from audit_log
      where action = 'invoice.card_asked' and target_id = $1`,
    [customer.invoiceId],
  );
  expect(rows).toEqual([
    {
      actor: 'pay_page',
      orgId: customer.orgId,
      clientAddress: '127.0.0.1',
      requestId: expect.any(String),
      after: { cardId: expect.any(String), number: 1 },
    },
  ]);
});

test('another card is left on a page of Stripe that leads back here, and it pays as soon as its owner is back', async () => {
  const customer = await billed(counter, null);
  const bare = await visitor.open(visitor.linkOf(customer));

  const left = await submit(visitor.linkOf(customer), { another: 'card' });
  const back = await submit(left.location, { payment_method: 'pm_card_mastercard' });
  const { text } = await visitor.open(back.location);
  await visitor.press(customer);

  expect(bare.text).toContain('There is no card on file yet.');
  expect(back.location).toBe(visitor.linkOf(customer));
  expect(text).toContain('Pay with Mastercard •••• 4444');
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('a customer whose bank wants him is sent there and comes back to a paid invoice, with nothing of Stripe’s in the address', async () => {
  const customer = await billed(counter, 'pm_card_authenticationRequired');

  const { location: bankPage } = await visitor.press(customer);
  const waiting = await visitor.open(visitor.linkOf(customer));
  const back = await submit(bankPage, { outcome: 'pass' });
  const cleaned = await fetch(back.location, { redirect: 'manual' });
  const { text } = await visitor.open(back.location);

  expect(bankPage).toMatch(/\/3ds\/pi_/);
  expect(waiting.text).toContain('Your bank waits for you');
  expect(waiting.text).toContain(`href="${bankPage}"`);
  expect(back.location).toContain('payment_intent_client_secret=');
  expect([cleaned.status, cleaned.headers.get('location')]).toEqual([303, new URL(visitor.linkOf(customer)).pathname]);
  expect(text).toContain('Paid, thank you');
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
  expect(await triesOf(counter, customer.invoiceId)).toEqual(['1.1 paid']);
});

test('a customer who is not recognised by his bank has paid nothing and may try again', async () => {
  const customer = await billed(counter, 'pm_card_authenticationRequired');

  const { location: bankPage } = await visitor.press(customer);
  const back = await submit(bankPage, { outcome: 'fail' });
  const { text } = await visitor.open(back.location);
  const second = await visitor.press(customer);
  await visitor.open((await submit(second.location, { outcome: 'pass' })).location);

  expect(text).toContain('The payment was not confirmed with your bank.');
  expect(await triesOf(counter, customer.invoiceId)).toEqual([
    '1.1 declined authenticate payment_intent_authentication_failure',
    '2.1 paid',
  ]);
  expect((await takenFor(counter, customer.invoiceId)).captured).toEqual([1_900]);
});

test('whoever leaves his bank may pay with another card at once, and the page of his bank takes nothing any more', async () => {
  const customer = await billed(counter, 'pm_card_authenticationRequired');
  const { location: bankPage } = await visitor.press(customer);
  await giveCard(counter, customer.orgId, 'pm_card_mastercard');

  const again = await visitor.press(customer, 1);
  await visitor.press(customer, 0);
  const late = await submit(bankPage, { outcome: 'pass' });

  expect(again.location).toBe(bankPage);
  expect(late.status).toBe(409);
  expect(await triesOf(counter, customer.invoiceId)).toEqual([
    '1.1 declined authenticate authentication_abandoned',
    '2.1 paid',
  ]);
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('after a quarter of an hour nobody waits for a customer at his bank, and should he pay then, it is taken all the same', async () => {
  const customer = await billed(counter, 'pm_card_authenticationRequired');
  const { location: bankPage } = await visitor.press(customer);
  await passBillingMinutes(counter, 16);

  const givenUp = await visitor.open(visitor.linkOf(customer));
  const back = await submit(bankPage, { outcome: 'pass' });
  const { text } = await visitor.open(back.location);

  expect(givenUp.text).toContain('The payment was not confirmed with your bank.');
  expect(givenUp.text).toContain('Pay with Visa');
  expect(text).toContain('Paid, thank you');
  expect(await stateOf(counter, customer.invoiceId)).toBe('paid');
  expect((await takenFor(counter, customer.invoiceId)).captured).toEqual([1_900]);
});

test('a double click is one question', async () => {
  const customer = await billed(counter);

  const pressed = await Promise.all([visitor.press(customer), visitor.press(customer), visitor.press(customer)]);

  expect(pressed.map(({ status }) => status)).toEqual([303, 303, 303]);
  expect(await triesOf(counter, customer.invoiceId)).toEqual(['1.1 paid']);
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('two tabs with two cards take the money once, by whichever came first', async () => {
  const customer = await billed(counter);
  await giveCard(counter, customer.orgId, 'pm_card_mastercard');
  await control(app.stripe, 'fault', { answer: CONFIRM, fault: 'delay_before', ms: 200 });

  const first = visitor.press(customer, 0);
  await tenMilliseconds();
  await Promise.all([first, visitor.press(customer, 1)]);
  const { text } = await visitor.open(visitor.linkOf(customer));

  expect(text).toContain('Paid, thank you');
  expect(await triesOf(counter, customer.invoiceId)).toHaveLength(1);
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('a card that its bank answers later leaves the page confirming, and then paid', async () => {
  const customer = await billed(counter, 'pm_fake_processing');

  const { location } = await visitor.press(customer);
  const before = await visitor.open(location);
  await control(app.stripe, 'clock', { advance_to: new Date(Date.now() + 86_400_000).toISOString() });
  const after = await visitor.open(visitor.linkOf(customer));

  expect(before.text).toContain('Your payment is being confirmed');
  expect(before.text).toContain('http-equiv="refresh"');
  expect(before.text).not.toContain('<form');
  expect(after.text).toContain('Paid, thank you');
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('while Stripe is away no card is asked and the page says so; the same button pays when it is back', async () => {
  const customer = await billed(counter);
  const away = { fault: 'drop_before', count: 12 };
  for (const answer of ['GET /v1/payment_intents/*', 'POST /v1/payment_intents']) {
    await control(app.stripe, 'fault', { answer, ...away });
  }
  const [paymentMethod = ''] = await visitor.cardsOf(customer);

  const refused = await fetch(visitor.linkOf(customer), {
    method: 'POST',
    body: new URLSearchParams({ paymentMethod }),
  });
  const told = await refused.text();
  await noMoreFaults(app.stripe);
  await visitor.press(customer);

  expect(refused.status).toBe(503);
  expect(told).toContain('Our payment provider does not answer at the moment.');
  expect(told).toContain('Pay with Visa •••• 4242');
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('an answer of Stripe that was lost leaves the page confirming, and the next look finds the money', async () => {
  const customer = await billed(counter);
  await faultOnAllTries(app.stripe, CONFIRM, 'drop_after');
  const silent = { answer: 'GET /v1/payment_intents/*', fault: 'drop_before', count: 6 };

  await visitor.press(customer);
  await control(app.stripe, 'fault', silent);
  const confirming = await visitor.open(visitor.linkOf(customer));
  await noMoreFaults(app.stripe);
  const { text } = await visitor.open(visitor.linkOf(customer));

  expect(confirming.text).toMatch(/Your payment is being confirmed|Paid, thank you/);
  expect(text).toContain('Paid, thank you');
  expect(await takenFor(counter, customer.invoiceId)).toEqual(ONCE);
});

test('what the webhook tells first is what the page shows, and the other way round', async () => {
  const customer = await billed(counter, 'pm_card_authenticationRequired');
  const { location: bankPage } = await visitor.press(customer);
  const intent = /pi_\w+/.exec(bankPage)?.[0] ?? '';
  await submit(bankPage, { outcome: 'pass' });

  const told = { actor: 'test' };
  await inTransaction(app.worker, (tx) => recordPayment(tx, app.api, intent, told));
  const { text } = await visitor.open(visitor.linkOf(customer));

  expect(text).toContain('Paid, thank you');
  expect(await triesOf(counter, customer.invoiceId)).toEqual(['1.1 paid']);
});

test('an upgrade for which the bank wants its customer answers with the page on which he confirms it, and is made there', async () => {
  const customer = await billed(counter);
  await visitor.press(customer);
  const { orgId } = customer;
  const listed = await app.call('get', `/api/v1/organizations/${orgId}/subscriptions`);
  const subscription = `/api/v1/subscriptions/${listed.string('data.0.id')}`;
  await giveCard(counter, orgId, 'pm_card_authenticationRequired');

  const body = { plan: 'team', months: 1, reason: 'we have grown' };
  const asked = await app.call('post', `${subscription}/plan-changes`, { body });
  const payUrl = asked.string('payUrl');
  const page = await visitor.open(payUrl);
  const { location: bankPage } = await submit(payUrl, { paymentMethod: (await visitor.cardsOf(customer))[0] ?? '' });
  const back = await submit(bankPage, { outcome: 'pass' });
  await visitor.open(back.location);
  const upgraded = await app.call('get', subscription);

  expect(asked.field('outcome')).toBe('needs_authentication');
  expect(page.text).toContain('Team, one month');
  expect([upgraded.field('plan'), upgraded.field('phase')]).toEqual(['team', 'active']);
});
