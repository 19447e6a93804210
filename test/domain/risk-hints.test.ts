// What a reviewer is told to look at: facts of the application and of earlier ones, and nothing where there is none.
import { expect, test } from '@jest/globals';
import { type RiskFacts, riskHints } from '../../domain/risk-hints.ts';

const PLAIN: RiskFacts = {
  orgId: 'org-1',
  form: {
    company: 'Initech GmbH',
    domain: 'initech.example',
    monthlyVolumeCents: 100_000,
    wantedTerms: { creditLineCents: 300_000, netDays: 30, note: null },
    contacts: [{ name: 'Ada', email: 'ada@mail.initech.example' }],
  },
  earlier: [],
};

function hints(form: Partial<RiskFacts['form']>, earlier: RiskFacts['earlier'] = []) {
  return riskHints({ ...PLAIN, form: { ...PLAIN.form, ...form }, earlier }).map(({ kind }) => kind);
}

const mailed = (email: string) => ({ contacts: [{ name: 'Ada', email }] });
const earlier = { id: 'a', orgId: 'org-2', company: 'Other', domain: 'other.example', stage: 'rejected' };

test('an application of a company under its own domain has none', () => {
  expect(hints({}, [earlier])).toEqual([]);
});

test.each([
  ['ada@Gmail.com', 'free_mail'],
  ['ada@mailinator.com', 'disposable_mail'],
  ['ada@notinitech.example', 'mail_of_another_domain'],
])('a contact at %s is a hint: %s', (email, expected) => {
  expect(hints(mailed(email))).toEqual([expected]);
});

test('who applied before, and who is named alike, is a hint', () => {
  const own = { ...earlier, orgId: 'org-1' };
  const alike = { ...earlier, company: 'INITECH, GmbH' };
  const sameDomain = { ...earlier, domain: 'Initech.example' };

  expect(hints({}, [own, alike, sameDomain])).toEqual([
    'applied_before',
    'same_company_elsewhere',
    'same_company_elsewhere',
  ]);
});

test('more credit than three months of its volume is a hint, and says how many', () => {
  const wantedTerms = { creditLineCents: 1_000_000, netDays: 30, note: null };

  expect(riskHints({ ...PLAIN, form: { ...PLAIN.form, wantedTerms } })).toEqual([
    { kind: 'credit_beyond_volume', months: 10 },
  ]);
});
