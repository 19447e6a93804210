// Money comes in once, whoever tells of it and however often (billing.md 5: M15, M16, M18).
import { afterEach, expect, test } from '@jest/globals';
import { recordPayment } from '../../../services/payments/payments.ts';
import { StripeApi } from '../../../services/payments/stripe-api.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { control, ledgerOf, noMoreFaults, withCard } from '../../fake-stripe/stripe-client.ts';
import { newCustomer, openBareGateway } from '../../support/bare-gateway.ts';
import { openTill } from './till.ts';

const till = await openTill();
const YEAR = /^36[56] days$/;

afterEach(() => noMoreFaults(till.stripeUrl));

test('M16: a pack whose success is told by the answer, five times by one event and by a second event is credited once', async () => {
  const orgId = await till.newOrganization();
  await control(till.stripeUrl, 'fault', { webhook: 'payment_intent.succeeded', fault: 'twin' });
  const { paymentIntent } = await till.pay(orgId, 'pack_50');
  const events = await till.events();
  const inboxes = Array.from({ length: 5 }, () => till.newInbox());

  await Promise.all([
    till.record(paymentIntent),
    ...inboxes.map(async (inbox) => {
      await Promise.all(events.map((event) => inbox.store(event)));
      await inbox.processDue();
    }),
  ]);

  expect(events.filter(({ type }) => type === 'payment_intent.succeeded')).toHaveLength(2);
  expect(await till.grantsOf(orgId)).toEqual([
    { source: 'bonus', amount: '5000000000', paidCents: 0, ends: expect.stringMatching(YEAR) },
    { source: 'pack', amount: '50000000000', paidCents: 5_000, ends: null },
  ]);
  expect(await till.booked()).toEqual({
    stripe_clearing: '50000000000',
    deferred_adjust: '5000000000',
    credit: '-55000000000',
  });
  expect(await till.differences()).toEqual([]);
});

test('M18: a capture of 19.00 whose answer was lost, asked again and recorded by two processes, brings 25.000000 once', async () => {
  const orgId = await till.newOrganization();
  const paymentId = await asked(orgId, { amountCents: 1_900, creditNano: '25000000000' });
  const method = await withCard(till.sdk, 'pm_card_visa');
  const metadata = { payment_id: paymentId };
  const card = { ...method, allowed_payment_method_types: ['card' as const], off_session: true as const };
  const order = { amount: 1_900, currency: 'usd', ...card, metadata, confirm: true };
  const confirm = () => till.sdk.paymentIntents.create(order, { idempotencyKey: `pi:${paymentId}` });
  await control(till.stripeUrl, 'fault', { answer: 'POST /v1/payment_intents', fault: 'drop_after', count: 2 });

  await expect(confirm()).rejects.toThrow(/connection/i);
  const { id } = await confirm();
  const outcomes = await Promise.all([1, 2, 3].map(() => till.record(id)));

  expect(outcomes.toSorted()).toEqual(['known', 'known', 'recorded']);
  expect((await ledgerOf(till.stripeUrl))[id]).toMatchObject({ captures: 1, captured: 1_900 });
  expect(await till.grantsOf(orgId)).toEqual([{ source: 'pack', amount: '25000000000', paidCents: 1_900, ends: null }]);
  expect(await till.differences()).toEqual([]);
});

test.each([
  ['pack_10', [{ source: 'pack', available: '9970000000' }]],
  [
    'pack_50',
    [
      { source: 'bonus', available: '4970000000' },
      { source: 'pack', available: '50000000000' },
    ],
  ],
] as const)(
  'M15: what a customer owes is repaid first, out of the bonus where there is one (%s)',
  async (pack, left) => {
    const customer = await newCustomer(till.admin, [{ usd: '0.03' }]);
    const gateway = await openBareGateway(till.database);
    await gateway.settle(customer, await gateway.hold(customer, '0.02'), '0.06');
    await gateway.close();

    const { paymentIntent } = await till.pay(customer.orgId, pack);
    await till.record(paymentIntent);

    const { rows } = await till.admin.query(
      `select g.source, b.available_nano::text as available from grant_balances b join credit_grants g on g.id = b.grant_id
      where b.org_id = $1 and g.payment_id is not null order by 1`,
      [customer.orgId],
    );
    expect(rows).toEqual(left);
    expect(await till.differences()).toEqual([]);
  },
);

test.each([
  ['less than was asked', { amount: 900, currency: 'usd' }],
  ['another currency', { amount: 1_000, currency: 'eur' }],
])('%s credits nobody and is kept for a person', async (_, taken) => {
  const orgId = await till.newOrganization();
  const paymentId = await asked(orgId, { amountCents: 1_000, creditNano: '10000000000' });

  const intent = `pi_${newId()}`;
  const { rows } = await till.db.query('select record_payment($1, $2, $3, $4, $5) as outcome', [
    paymentId,
    intent,
    taken.amount,
    taken.currency,
    'test',
  ]);

  expect(rows).toEqual([{ outcome: 'in_question' }]);
  expect(await till.grantsOf(orgId)).toEqual([]);
  expect(await till.differences()).toEqual(['I10-questions']);
  await till.admin.query('update captures_in_question set resolved_at = now()');
});

test('what is on the books is known without a word from Stripe', async () => {
  const { paymentIntent } = await till.pay(await till.newOrganization(), 'pack_10');
  await till.record(paymentIntent);
  const nobody = new StripeApi(
    { apiBase: 'http://127.0.0.1:9', secretKey: 'sk_test', webhookSecret: 'whsec' },
    async () => {},
  );

  const outcome = await inTransaction(till.db, (tx) => recordPayment(tx, nobody, paymentIntent, { actor: 'test' }));

  expect(outcome).toBe('known');
  expect(await till.differences()).toEqual([]);
});

test('what was asked and what was paid never change, for the owner of the table either', async () => {
  const orgId = await till.newOrganization();
  const open = await asked(orgId, { amountCents: 1_000, creditNano: '10000000000' });
  const { paymentId: paid, paymentIntent } = await till.pay(orgId, 'pack_10');
  await till.record(paymentIntent);

  const refused = [
    `update payments set credit_nano = credit_nano * 2 where id = '${open}'`,
    `update payments set state = 'expired' where id = '${paid}'`,
    `update payments set state = 'open', stripe_payment_intent = null, transaction_id = null, paid_at = null where id = '${paid}'`,
    `delete from payments where id = '${open}'`,
    'truncate payments cascade',
  ];

  for (const statement of refused) await expect(till.admin.query(statement)).rejects.toMatchObject({ code: '23001' });
});

test('the hot path’s role knows nothing of payments, and nobody but the function says that one is paid', async () => {
  const { rows } = await till.admin.query<{ verb: string }>(
    `select t.name || ' ' || p.verb as verb
       from unnest(array['payments', 'checkouts', 'stripe_customers', 'stripe_events', 'stripe_event_listing', 'captures_in_question']) t(name),
            unnest(array['select', 'insert', 'update', 'delete']) p(verb)
      where has_any_column_privilege('tollgate_gateway', t.name, nullif(p.verb, 'delete')) or has_table_privilege('tollgate_gateway', t.name, p.verb)`,
  );
  const mayRecord = await till.admin.query(
    `select has_function_privilege('tollgate_gateway', 'record_payment(uuid, text, bigint, text, text, text)', 'execute') as gateway`,
  );

  expect(rows).toEqual([]);
  expect(mayRecord.rows).toEqual([{ gateway: false }]);
  await expect(till.db.query(`update payments set state = 'paid'`)).rejects.toMatchObject({ code: '42501' });
});

async function asked(orgId: string, what: { amountCents: number; creditNano: string }): Promise<string> {
  const id = newId();
  await till.db.query(
    `insert into payments (id, org_id, purpose, pack, amount_cents, credit_nano, bonus_nano, requested_by)
       values ($1, $2, 'pack', 'test', $3, $4, 0, 'test')`,
    [id, orgId, what.amountCents, what.creditNano],
  );
  return id;
}
