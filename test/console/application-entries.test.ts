// What is entered into an application: what is right is taken as it was meant, and what is not is found at its field.
import { expect, test } from '@jest/globals';
import { contactField, draftOf, entriesOf, FIELD, wrongIn } from '../../console/src/application-entries.ts';

const FORM = {
  company: 'Initech',
  domain: 'initech.example',
  useCase: 'Answers tickets',
  monthlyVolumeCents: 500_050,
  wantedTerms: { creditLineCents: 0, netDays: 45, note: null },
  residency: 'eu' as const,
  contacts: [{ name: 'Ada', email: 'ada@initech.example' }],
};

test('what was saved is entered again as it was, and nothing of it is wrong', () => {
  const entries = entriesOf(FORM);

  expect(entries[FIELD.volume]).toBe('5000.50');
  expect(draftOf(entries)).toEqual(FORM);
  expect([...wrongIn(entries)]).toEqual([]);
});

test('of what is half written, what is right can be kept already', () => {
  const halfMail = { [contactField(0, 'email')]: 'ada@initech', [FIELD.volume]: '5,0', [FIELD.company]: ' ' };

  const draft = draftOf({ ...entriesOf(FORM), ...halfMail });

  const { domain, useCase, wantedTerms, residency } = FORM;
  expect(draft).toEqual({ domain, useCase, wantedTerms, residency });
});

test('what keeps it from being handed in is found in the order of the form', () => {
  const wrong = wrongIn({
    ...entriesOf({}),
    [FIELD.domain]: 'here',
    [FIELD.creditLine]: '-1',
    [contactField(3, 'email')]: 'x@y.zz',
  });

  expect([...wrong]).toEqual([
    [FIELD.company, 'empty'],
    [FIELD.domain, 'domain'],
    [FIELD.residency, 'empty'],
    [FIELD.useCase, 'empty'],
    [FIELD.volume, 'empty'],
    [FIELD.creditLine, 'amount'],
    [contactField(3, 'name'), 'empty'],
  ]);
  expect(wrongIn(entriesOf({ ...FORM, contacts: [] })).get(contactField(0, 'name'))).toBe('contact');
});

test('a domain is taken of an address that was copied from a browser', () => {
  expect(draftOf({ ...entriesOf({}), [FIELD.domain]: 'https://initech.example/about' }).domain).toBe('initech.example');
});
