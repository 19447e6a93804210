// The terms on which an enterprise is approved, as they are entered: begun with what was wished for, and what cannot be is found at its field.
import { expect, test } from '@jest/globals';
import { bodyOfTerms, termsEntriesOf, wrongTermsIn } from '../../console/src/terms-entries.ts';

const WANTED = { creditLineCents: 0, netDays: 45, note: null };

test('terms begin with what was wished for, and a percentage is meant of list price', () => {
  const entered = {
    ...termsEntriesOf({ submitted: { wantedTerms: WANTED } }),
    'terms.priceOfListPpm': '92.5%',
    'terms.allowedAddresses': '10.0.0.0/8, 10.0.0.0/8',
  };

  expect(wrongTermsIn(entered)).toEqual([]);
  expect(bodyOfTerms(entered)).toEqual({
    ...{ creditLineCents: 0, netDays: 45, priceOfListPpm: 925_000, monthlyBudgetCents: null },
    allowedAddresses: ['10.0.0.0/8'],
  });
});

test('terms that cannot be are found', () => {
  const entered = {
    ...termsEntriesOf({ submitted: null }),
    ...{
      'terms.creditLineCents': 'much',
      'terms.netDays': '121',
      'terms.priceOfListPpm': '0',
      'terms.monthlyBudgetCents': '1.234',
    },
  };

  expect(wrongTermsIn(entered).map(([field]) => field)).toEqual(Object.keys(entered).slice(0, 4));
});
