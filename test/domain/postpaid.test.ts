// What a credit line still allows is what it was, less all that is owed: invoiced, not yet invoiced, and in flight.
import { expect, test } from '@jest/globals';
import { cents } from '../../domain/cents.ts';
import { formatUsd, nano } from '../../domain/nano.ts';
import { invoiceDueAt, type PostpaidUse, postpaidAvailable } from '../../domain/postpaid.ts';

const terms = { creditLineCents: cents(1_000_000), netDays: 30 };
const use: PostpaidUse = {
  openInvoicesCents: cents(600_000),
  unbilledNano: nano('3999995000000'),
  heldNano: nano(0),
};

test('M35: of a line of 10,000 with 6,000 open and 3,999.995 unbilled, 0.005 may be held and 0.006 may not', () => {
  expect(formatUsd(postpaidAvailable(terms, use))).toBe('0.005000000');
  expect(formatUsd(postpaidAvailable(terms, { ...use, heldNano: nano('5000000') }))).toBe('0.000000000');
});

test('M35: a part payment of 4,000 frees 4,000', () => {
  const paid = { ...use, openInvoicesCents: cents(200_000), heldNano: nano('5000000') };

  expect(formatUsd(postpaidAvailable(terms, paid))).toBe('4000.000000000');
});

test('a net-30 invoice is due thirty days of 24 hours after it was issued', () => {
  expect(invoiceDueAt(terms, Date.UTC(2027, 2, 1))).toBe(Date.UTC(2027, 2, 31));
});
