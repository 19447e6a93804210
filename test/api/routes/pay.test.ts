// The page on which whoever has its link pays an invoice: what it shows and to whom. That it takes the money once is shown by
// paid-once.test.ts.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../../services/platform/ids.ts';
import { submit } from '../../fake-stripe/stripe-client.ts';
import {
  billed,
  type Counter,
  newInvoice,
  stateOf,
  takenFor,
  triesOf,
} from '../../services/payments/billed-customer.ts';
import { type ManagementApp, startManagementApp } from './management-app.ts';
import { counterOf, Visitor } from './visitor.ts';

let app: ManagementApp;
let counter: Counter;
let visitor: Visitor;

beforeAll(async () => {
  app = await startManagementApp();
  counter = counterOf(app);
  visitor = new Visitor(app);
});
afterAll(() => app.close());

test('whoever has the link sees what is owed and the cards on file, and nothing that belongs to others', async () => {
  const customer = await billed(counter);
  const otherInvoice = await newInvoice(counter, customer.orgId);

  const { status, text, headers } = await visitor.open(visitor.linkOf(customer));

  expect(status).toBe(200);
  expect(text).toContain('Pro, one month');
  expect(text).toContain('$19.00');
  expect(text).toContain('Pay with Visa •••• 4242');
  expect(text).not.toContain(customer.orgId);
  expect(text).not.toContain(otherInvoice);
  expect(text).not.toContain('<script');
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self' http: https:; frame-ancestors 'none'; base-uri 'none'$/,
  );
});

test.each([
  ['zh-CN,zh;q=0.9,en;q=0.5', 'zh', '支付账单'],
  ['en;q=0.4, zh-TW;q=0.8', 'zh', '支付账单'],
  ['fr, en-GB;q=0.7, zh;q=0.2', 'en', 'Pay an invoice'],
  ['fr', 'en', 'Pay an invoice'],
  ['zh;q=0, *', 'en', 'Pay an invoice'],
])('a browser that asks for %s reads %s', async (asked, lang, title) => {
  const { text } = await visitor.open(visitor.linkOf(await billed(counter)), asked);

  expect(text).toContain(`<html lang="${lang}">`);
  expect(text).toContain(`<h1>${title}</h1>`);
});

test.each([
  ['pm_fake_declines_insufficient_funds', 'Your bank declined the payment'],
  ['pm_fake_declines_expired_card', 'Check its details with your bank'],
  ['pm_fake_declines_stolen_card', 'Pay with another card, or ask your bank'],
  ['pm_fake_declines_do_not_try_again', 'Pay with another card, or ask your bank'],
])('what %s answers is told in words that help, once, and nothing is asked again by itself', async (card, told) => {
  const customer = await billed(counter, card);

  const { location } = await visitor.press(customer);
  const { text } = await visitor.open(location);
  await visitor.open(location);

  expect(text).toContain(told);
  expect(text).not.toMatch(/stolen|lost|fraud/i);
  expect(await takenFor(counter, customer.invoiceId)).toEqual({ asked: 1, captured: [] });
  expect(await stateOf(counter, customer.invoiceId)).toBe('open');
});

test('of an invoice of usage that was paid in part the page asks for the rest, which is what a card is charged', async () => {
  const { orgId } = await billed(counter);
  const customer = { orgId, invoiceId: await usageInvoiceOf(orgId) };
  const before = await visitor.open(visitor.linkOf(customer));
  await app.db.query(`select record_bank_transfer(gen_random_uuid(), $1, 1900, 'part', current_date, 'test')`, [
    customer.invoiceId,
  ]);

  const { text } = await visitor.open(visitor.linkOf(customer));
  await visitor.press(customer);

  expect(before.text).toContain('$119.00');
  expect(before.text).toContain('$19.00');
  expect(text).toContain('$100.00');
  expect(text).not.toMatch(/\$119|\$19\.00/);
  expect((await takenFor(counter, customer.invoiceId)).captured).toEqual([10_000]);
  expect(await stateOf(counter, customer.invoiceId)).toBe('paid');
  const paid = (await app.call('get', `/api/v1/organizations/${orgId}/payments`)).string('data.0.id');
  const receipt = await app.call('get', `/api/v1/payments/${paid}/receipt`);
  for (const told of ['PO 7', 'Usage in 2027-01', 'The tax stands on invoice', '$100.00']) {
    expect(receipt.text).toContain(told);
  }
});

/** 100.00 and 19 % on it. */
async function usageInvoiceOf(orgId: string): Promise<string> {
  const id = newId();
  await app.db.query(
    `select post_usage_invoice($1, $2, '2027-01', billing_now(), 11900, 1900, '{"kind": "fixed_rate", "ratePpm": 190000}', null, 100000000000,
                               '[{"kind": "earlier_usage", "amountNano": "100000000000"}]',
                               '{"legalName": "Acme", "address": null, "taxId": null, "poNumber": "PO 7"}', 'test')`,
    [id, orgId],
  );
  return id;
}

test('a void invoice wants nothing, whatever is pressed', async () => {
  const customer = await billed(counter);
  await app.db.query(`update invoices set state = 'void', closed_at = billing_now() where id = $1`, [
    customer.invoiceId,
  ]);

  await visitor.press(customer);
  const { text } = await visitor.open(visitor.linkOf(customer));

  expect(text).toContain('Nothing to pay');
  expect(text).not.toContain('<form');
  expect(await takenFor(counter, customer.invoiceId)).toEqual({ asked: 0, captured: [] });
});

test('links that we have not made lead nowhere, all alike, whether the invoice exists or not', async () => {
  const mine = await billed(counter);
  const other = await billed(counter);
  const good = visitor.linkOf(mine).split('/').at(-1) ?? '';
  const others = visitor.linkOf(other).split('/').at(-1) ?? '';
  const forged = [
    good.slice(0, -1),
    `${good}A`,
    `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`,
    others.slice(0, 22) + good.slice(22),
    mine.invoiceId,
    'x'.repeat(64),
    '%00',
    '..%2f..%2fmetrics',
  ];

  for (const one of forged) {
    const { status, text, headers } = await visitor.open(`${app.url}/pay/${one}`);
    const posted = await submit(`${app.url}/pay/${one}`, { paymentMethod: (await visitor.cardsOf(mine))[0] ?? '' });
    expect([one, status, posted.status]).toEqual([one, 404, 404]);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(text).toContain('This link leads nowhere');
  }
  expect(await triesOf(counter, mine.invoiceId)).toEqual([]);
});

test('the card of another organization does not pay, and nobody learns whether it exists', async () => {
  const customer = await billed(counter);
  const stranger = await billed(counter, 'pm_card_mastercard');
  const [strangersCard = ''] = await visitor.cardsOf(stranger);

  await submit(visitor.linkOf(customer), { paymentMethod: strangersCard });
  await submit(visitor.linkOf(customer), { paymentMethod: newId() });
  await submit(visitor.linkOf(customer), { paymentMethod: '4242' });
  const { text } = await visitor.open(visitor.linkOf(customer));

  expect(text).toContain('The card could not be asked.');
  expect(text).not.toContain('4444');
  expect(await takenFor(counter, customer.invoiceId)).toEqual({ asked: 0, captured: [] });
});

test('a card is asked 15 times in 30 days, also by whoever presses its button', async () => {
  const customer = await billed(counter, 'pm_fake_declines_do_not_honor~pressed');
  for (let times = 0; times < 15; times += 1) await visitor.press(customer);

  const { location } = await visitor.press(customer);
  const { text } = await visitor.open(location);

  expect(text).toContain('This card has been asked too often in the last 30 days.');
  expect((await triesOf(counter, customer.invoiceId)).filter((told) => told.endsWith('do_not_honor'))).toHaveLength(15);
});

test('an invoice shows its link while it can be paid by it, and not when it is for sale on a page of Stripe', async () => {
  const customer = await billed(counter);
  const path = `/api/v1/invoices/${customer.invoiceId}`;
  const before = await app.call('get', path);
  await visitor.press(customer);
  const after = await app.call('get', path);
  const orgId = await counter.newOrganization();
  const checkout = `/api/v1/organizations/${orgId}/subscription-checkouts`;
  await app.call('post', checkout, { body: { plan: 'pro', months: 1 } });
  const sold = await app.call('get', `/api/v1/organizations/${orgId}/invoices`);

  expect(before.field('payUrl')).toBe(visitor.linkOf(customer));
  expect(after.field('payUrl')).toBeNull();
  expect([sold.field('data.0.state'), sold.field('data.0.payUrl')]).toEqual(['open', null]);
  expect((await visitor.open(app.links.urlOf(sold.string('data.0.id')))).status).toBe(404);
});
