// What Stripe's tax reports are told: each sale and each refund of one, exactly once, whoever is killed and whatever is lost in between.
import { once } from 'node:events';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { askForCharge } from '../../../services/payments/charges.ts';
import { refundUnusedPack, sendRefunds } from '../../../services/payments/refunds.ts';
import { inTransaction } from '../../../services/platform/postgres.ts';
import { reportTaxes } from '../../../services/taxes/tax-reports.ts';
import { control, faultOnAllTries, noMoreFaults, passHours } from '../../fake-stripe/stripe-client.ts';
import { until } from '../../support/until.ts';
import { startReporting } from '../payments/charging-process/start.ts';
import { openTill } from '../payments/till.ts';
import {
  BOOK,
  billedIn,
  livesIn,
  REVERSE,
  reportedOf,
  taxedByStripe,
  taxesAtStripe,
  taxOwed,
} from './taxed-by-stripe.ts';

const till = await openTill();

beforeAll(() => taxedByStripe(till));
afterEach(async () => {
  await noMoreFaults(till.stripeUrl);
  expect(await till.differences()).toEqual([]);
});

const report = () => reportTaxes(till.db, till.stripe);

/** Whatever was postponed is due now. */
async function reportAgain(): Promise<void> {
  await till.admin.query('update tax_transactions set due_at = now() where told_at is null');
  await report();
}

async function paidIn(country: string, card?: string): Promise<{ orgId: string; intent: string }> {
  const { orgId, invoiceId } = await billedIn(till, country, card);
  await askForCharge(till, invoiceId, 1);
  const { rows } = await till.admin.query(
    'select stripe_payment_intent as intent from payments where invoice_id = $1',
    [invoiceId],
  );
  return { orgId, intent: rows[0].intent };
}

async function hearAll(): Promise<void> {
  const inbox = till.newInbox();
  for (const event of (await till.events()).toReversed()) await inbox.store(event);
  await inbox.processDue();
}

test('a sale is told when its money is in, by its payment, and once, however many tell it and however often', async () => {
  const { orgId } = await paidIn('DE');
  const before = await reportedOf(till, orgId);

  await Promise.all([report(), report(), report()]);
  await report();

  const { rows } = await till.admin.query('select id from payments where org_id = $1', [orgId]);
  expect(before).toEqual([]);
  expect(await reportedOf(till, orgId)).toEqual(['transaction 1900+361']);
  expect((await taxesAtStripe(till.stripeUrl)).transactions).toHaveProperty(rows[0].id);
});

test('what was never asked for the money is not told', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'DE', 'pm_fake_declines_insufficient_funds');

  await askForCharge(till, invoiceId, 1);
  await report();

  expect(await reportedOf(till, orgId)).toEqual([]);
});

test.each(['drop_before', 'drop_after', 'fail_before', 'fail_after', 'truncate', 'too_many_requests'])(
  'a report of a sale that meets %s is told by the next that tries, and once',
  async (fault) => {
    const { orgId } = await paidIn('DE');
    await faultOnAllTries(till.stripeUrl, BOOK, fault);

    const first = await report().catch((error: unknown) => error);
    await noMoreFaults(till.stripeUrl);
    for (let again = 0; again < 2; again++) await reportAgain().catch(() => {});
    const { rows } = await till.admin.query(
      'select told_at is not null as told from tax_transactions where org_id = $1',
      [orgId],
    );

    expect(first).toBeInstanceOf(Error);
    expect(rows).toEqual([{ told: true }]);
    expect(await reportedOf(till, orgId)).toEqual(['transaction 1900+361']);
  },
);

test.each(['drop_before', 'drop_after', 'fail_before', 'truncate'])(
  'a report of a refund that meets %s is told by the next that tries, and once',
  async (fault) => {
    const { orgId, intent } = await paidIn('DE');
    await report();
    await till.sdk.refunds.create({ payment_intent: intent, amount: 1_000 });
    await hearAll();
    await faultOnAllTries(till.stripeUrl, REVERSE, fault);

    await report().catch(() => {});
    await noMoreFaults(till.stripeUrl);
    await reportAgain();

    expect(await reportedOf(till, orgId)).toEqual(['transaction 1900+361', 'reversal -841+-159']);
  },
);

test('killed between the capture and the report, or between the report and its answer, it is told by the next process, and once', async () => {
  const { orgId, intent } = await paidIn('DE');
  const killedWhile = async (question: string) => {
    const { transactions } = await taxesAtStripe(till.stripeUrl);
    const known = Object.keys(transactions).length;
    await control(till.stripeUrl, 'fault', { answer: question, fault: 'delay_after', ms: 600_000 });
    const child = startReporting(till);
    const told = async () => Object.keys((await taxesAtStripe(till.stripeUrl)).transactions).length;
    await until(async () => (await told()) === known + 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await noMoreFaults(till.stripeUrl);
    return unanswered(orgId);
  };

  const left = [await killedWhile(BOOK)];
  await report();
  await till.sdk.refunds.create({ payment_intent: intent });
  await hearAll();
  left.push(await killedWhile(REVERSE));
  await report();

  expect(left).toEqual([1, 1]);
  expect(await unanswered(orgId)).toBe(0);
  expect(await reportedOf(till, orgId)).toEqual(['transaction 1900+361', 'reversal -1900+-361']);
});

/** Told or not: nobody has heard that they are. */
async function unanswered(orgId: string): Promise<number> {
  const { rowCount } = await till.admin.query('select from tax_transactions where org_id = $1 and told_at is null', [
    orgId,
  ]);
  return rowCount ?? 0;
}

test('of what goes back in parts each part is told with its tax as we book it, and of all that is back nothing is left', async () => {
  const { orgId, intent } = await paidIn('DE');
  for (const amount of [1, 1_000, 999, 261]) {
    await till.sdk.refunds.create({ payment_intent: intent, amount });
    await hearAll();
  }

  await report();

  const told = await reportedOf(till, orgId);
  expect(told.toSorted()).toEqual(
    [
      'reversal -1+0',
      'reversal -219+-42',
      'reversal -839+-160',
      'reversal -841+-159',
      'transaction 1900+361',
    ].toSorted(),
  );
  expect(await taxOwed(till, orgId)).toBe(0);
});

test('an unused pack that goes back takes its sale out of the reports, whole, also when nobody had told of either', async () => {
  const orgId = await till.newOrganization();
  await livesIn(till, orgId, 'DE');
  const { paymentId, paymentIntent } = await till.pay(orgId, 'pack_10');
  await till.record(paymentIntent);
  await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  await sendRefunds(till.db, till.stripe);

  await report();

  expect(await reportedOf(till, orgId)).toEqual(['transaction 1000+190', 'reversal -1000+-190']);
  expect(await taxOwed(till, orgId)).toBe(0);
});

// From here on the fake's clock is ahead of ours.
test('a refund that fails after it was told comes back into the reports, as its money comes back to us', async () => {
  const orgId = await till.newOrganization();
  await livesIn(till, orgId, 'DE');
  const { paymentId, paymentIntent } = await till.pay(orgId, 'pack_10', 'pm_card_refundFail');
  await till.record(paymentIntent);
  await inTransaction(till.db, (tx) => refundUnusedPack(tx, paymentId, 'test'));
  await sendRefunds(till.db, till.stripe);
  await report();
  const before = await taxOwed(till, orgId);

  await passHours(till.stripeUrl, 48);
  await hearAll();
  await report();

  expect([before, await taxOwed(till, orgId)]).toEqual([0, 190]);
  expect((await reportedOf(till, orgId)).toSorted()).toEqual([
    'reversal -1000+-190',
    'transaction 1000+190',
    'transaction 1000+190',
  ]);
});

test('a calculation that has expired before the money came changes nothing of what was asked for, and is told of a new one', async () => {
  const { orgId, invoiceId } = await billedIn(till, 'DE');
  const late = await paidIn('DE');
  await till.admin.query('update tax_transactions set due_at = now() + interval $$1 hour$$ where told_at is null');
  await askForCharge(till, invoiceId, 1);
  await passHours(till.stripeUrl, 91 * 24);

  await reportAgain();

  for (const one of [orgId, late.orgId]) {
    expect(await reportedOf(till, one)).toEqual(['transaction 1900+361']);
    expect(await taxOwed(till, one)).toBe(361);
  }
});
