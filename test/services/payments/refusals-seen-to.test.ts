// A refund that Stripe will not make, of whatever no subscription answers for: it is seen at once, asked for again by a person's word alone, and
// over whichever way it goes back.
import { afterEach, expect, test } from '@jest/globals';
import { refundUnusedPack, sendRefunds } from '../../../services/payments/refunds.ts';
import { type RefusedRefundCommand, RefusedRefunds } from '../../../services/payments/refused-refunds.ts';
import { newId } from '../../../services/platform/ids.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { pokeStranded } from '../../../services/processes/stranded.ts';
import { ledgerOf, noMoreFaults, withCard } from '../../fake-stripe/stripe-client.ts';
import { openTill } from './till.ts';

const till = await openTill();
const refunds = new RefusedRefunds(till.db);

afterEach(() => noMoreFaults(till.stripeUrl));

interface Refused {
  readonly orgId: string;
  readonly paymentId: string;
  readonly intent: string;
}

async function boughtPack(): Promise<Refused> {
  const orgId = await till.newOrganization();
  const { paymentId, paymentIntent } = await till.pay(orgId, 'pack_50');
  await till.record(paymentIntent);
  return { orgId, paymentId, intent: paymentIntent };
}

/** Somebody gives so much of it back at Stripe, we have not heard of it and ask for all: Stripe refuses. */
async function refusedSince(bought: Refused, givenBackThere: number): Promise<Refused> {
  await till.sdk.refunds.create({ payment_intent: bought.intent, amount: givenBackThere });
  await inTransaction(till.db, (tx) => refundUnusedPack(tx, bought.paymentId, 'test'));
  await sendRefunds(till.db, till.stripe);
  return bought;
}

function tell({ paymentId }: Refused, command: RefusedRefundCommand['command']) {
  return refunds.command(paymentId, { command, actor: 'ada', reason: 'looked at it', requestId: newId() });
}

async function look({ paymentId }: Refused) {
  const { attention, hasEnded } = await refunds.tick(paymentId);
  return { attention, hasEnded };
}

async function hearAll(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of await till.events()) await inbox.store(event);
  await inbox.processDue();
}

async function pokes({ paymentId }: Refused): Promise<number> {
  const { rows } = await till.admin.query(
    `delete from process_pokes where workflow_id = 'refund:' || $1 and process = 'refund' and subject = $1 returning 1`,
    [paymentId],
  );
  return rows.length;
}

async function atStripe({ intent }: Refused): Promise<unknown> {
  return (await ledgerOf(till.stripeUrl))[intent];
}

const NEEDS_PERSON = { attention: expect.stringContaining('would not give back'), hasEnded: false };
const AT_REST = { attention: null, hasEnded: true };

test('a refused refund of a pack needs a person at once, and his word has what is unused of it go back, no more than was refused', async () => {
  const pack = await refusedSince(await boughtPack(), 700);
  const refused = await look(pack);
  const woken = await pokes(pack);
  await hearAll();

  const told = await tell(pack, 'retryRefund');
  await sendRefunds(till.db, till.stripe);

  expect([refused, woken, told.kind]).toEqual([NEEDS_PERSON, 1, 'done']);
  expect(await look(pack)).toEqual(AT_REST);
  expect(await atStripe(pack)).toMatchObject({ captured: 5_000, refunded: 5_000 });
  expect(await till.differences()).toEqual([]);
  expect((await tell(pack, 'retryRefund')).kind).toBe('refused');
});

test('refused again, it waits again; the same word counts once', async () => {
  const pack = await refusedSince(await boughtPack(), 700);
  const word = { command: 'retryRefund', actor: 'ada', reason: 'looked at it', requestId: newId() } as const;

  const told = [await refunds.command(pack.paymentId, word), await refunds.command(pack.paymentId, word)];
  const underWay = await look(pack);
  await sendRefunds(till.db, till.stripe);

  expect(told.map(({ kind }) => kind)).toEqual(['done', 'done']);
  expect([underWay, await look(pack)]).toEqual([AT_REST, NEEDS_PERSON]);
  expect(await atStripe(pack)).toMatchObject({ refunded: 700 });
  await hearAll();
  await tell(pack, 'dismiss');
});

test('of a second capture all that is still with us goes back', async () => {
  const { orgId, paymentId } = await boughtPack();
  const { id: intent } = await till.sdk.paymentIntents.create({
    ...{ amount: 5_000, currency: 'usd', ...(await withCard(till.sdk, 'pm_card_visa')), confirm: true },
    ...{ off_session: true, allowed_payment_method_types: ['card'], metadata: { payment_id: paymentId } },
  });
  await till.sdk.refunds.create({ payment_intent: intent, amount: 400 });
  await till.record(intent);
  await sendRefunds(till.db, till.stripe);
  const { rows } = await till.admin.query('select id from payments where second_of = $1', [paymentId]);
  const second = { orgId, paymentId: rows[0]?.id, intent };
  const refused = await look(second);
  await hearAll();

  const told = await tell(second, 'retryRefund');
  await sendRefunds(till.db, till.stripe);

  expect([refused, told.kind, await look(second)]).toEqual([NEEDS_PERSON, 'done', AT_REST]);
  expect(await atStripe(second)).toMatchObject({ captured: 5_000, refunded: 5_000 });
  expect(await till.differences()).toEqual([]);
});

test('what somebody gives back at Stripe meanwhile ends it without a word', async () => {
  const pack = await refusedSince(await boughtPack(), 5_000);
  const refused = await look(pack);
  await pokes(pack);

  await hearAll();

  expect([refused, await look(pack), await pokes(pack)]).toEqual([NEEDS_PERSON, AT_REST, 1]);
  expect(await till.differences()).toEqual([]);
});

test('dismissed, nothing is asked for again and the customer keeps his credit; until then its workflow is brought back', async () => {
  const pack = await refusedSince(await boughtPack(), 700);
  await pokes(pack);
  await pokeStranded(till.db);
  const broughtBack = await pokes(pack);
  await hearAll();

  await tell(pack, 'dismiss');
  await pokes(pack);
  await pokeStranded(till.db);
  await sendRefunds(till.db, till.stripe);

  expect([broughtBack, await pokes(pack)]).toEqual([1, 0]);
  expect(await look(pack)).toEqual(AT_REST);
  expect(await atStripe(pack)).toMatchObject({ refunded: 700 });
  const { rows } = await till.admin.query('select available_nano from balance_of($1)', [pack.orgId]);
  expect(rows).toEqual([{ available_nano: '48000000000' }]);
  expect(await till.differences()).toEqual([]);
});
