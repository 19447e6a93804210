// What an enterprise enters as it applies, as text, and what of it the API takes. Fields are named as the API names them, so that what it
// refuses is told at the field.
import type { components } from '../generated/api.d.ts';
import { isMailAddress } from './entered.ts';
import { centsOf, dollarsOf, nanoOfCents } from './money.ts';

type DraftForm = components['schemas']['ApplicationForm'];
type Residency = NonNullable<DraftForm['residency']>;
export type Entries = Readonly<Record<string, string>>;

export const FIELD = {
  company: 'form.company',
  domain: 'form.domain',
  useCase: 'form.useCase',
  volume: 'form.monthlyVolumeCents',
  creditLine: 'form.wantedTerms.creditLineCents',
  netDays: 'form.wantedTerms.netDays',
  note: 'form.wantedTerms.note',
  residency: 'form.residency',
} as const;

export const RESIDENCIES: readonly Residency[] = ['any', 'cn', 'eu', 'us'];
export const MOST_CONTACTS = 10;
const USUAL_NET_DAYS = 30;

export function contactField(at: number, part: 'name' | 'email'): string {
  return `form.contacts.${at}.${part}`;
}

export function entriesOf({ wantedTerms, contacts = [], ...form }: DraftForm): Entries {
  const cents = (amount: number | undefined) => (amount === undefined ? '' : dollarsOf(nanoOfCents(amount)));
  return {
    [FIELD.company]: form.company ?? '',
    [FIELD.domain]: form.domain ?? '',
    [FIELD.useCase]: form.useCase ?? '',
    [FIELD.volume]: cents(form.monthlyVolumeCents),
    [FIELD.creditLine]: cents(wantedTerms?.creditLineCents),
    [FIELD.netDays]: String(wantedTerms?.netDays ?? USUAL_NET_DAYS),
    [FIELD.note]: wantedTerms?.note ?? '',
    [FIELD.residency]: form.residency ?? '',
    ...Object.fromEntries(
      rows().flatMap((at) => [
        [contactField(at, 'name'), contacts[at]?.name ?? ''],
        [contactField(at, 'email'), contacts[at]?.email ?? ''],
      ]),
    ),
  };
}

/** Whatever of it can be kept: a field that is empty or wrong is left out. */
export function draftOf(entries: Entries): DraftForm {
  const written = (field: string) => entries[field]?.trim() ?? '';
  const [company, useCase, note] = [FIELD.company, FIELD.useCase, FIELD.note].map(written);
  const domain = domainIn(written(FIELD.domain));
  const [volume, creditLine] = [FIELD.volume, FIELD.creditLine].map((field) => agreeableCents(written(field)));
  const residency = RESIDENCIES.find((one) => one === written(FIELD.residency));
  const contacts = contactsIn(entries).filter(({ name, email }) => name !== '' && isMailAddress(email));
  return {
    ...(company ? { company } : {}),
    ...(isDomain(domain) ? { domain } : {}),
    ...(useCase ? { useCase } : {}),
    ...(volume == null ? {} : { monthlyVolumeCents: volume }),
    ...(creditLine == null
      ? {}
      : { wantedTerms: { creditLineCents: creditLine, netDays: Number(written(FIELD.netDays)), note: note || null } }),
    ...(residency === undefined ? {} : { residency }),
    ...(contacts.length === 0 ? {} : { contacts: contacts.map(({ name, email }) => ({ name, email })) }),
  };
}

export type Wrong = 'empty' | 'domain' | 'amount' | 'email' | 'contact';

/** By field, in the order of the form: what keeps it from being handed in. */
export function wrongIn(entries: Entries): ReadonlyMap<string, Wrong> {
  const written = (field: string) => entries[field]?.trim() ?? '';
  const wrong = new Map<string, Wrong>();
  const must = (field: string, isRight: (text: string) => boolean, otherwise: Wrong) => {
    if (written(field) === '') wrong.set(field, 'empty');
    else if (!isRight(written(field))) wrong.set(field, otherwise);
  };
  must(FIELD.company, () => true, 'empty');
  must(FIELD.domain, (text) => isDomain(domainIn(text)), 'domain');
  must(FIELD.residency, () => true, 'empty');
  must(FIELD.useCase, () => true, 'empty');
  must(FIELD.volume, isAmount, 'amount');
  must(FIELD.creditLine, isAmount, 'amount');
  const contacts = contactsIn(entries);
  if (contacts.length === 0) wrong.set(contactField(0, 'name'), 'contact');
  for (const { at } of contacts) {
    must(contactField(at, 'name'), () => true, 'empty');
    must(contactField(at, 'email'), isMailAddress, 'email');
  }
  return wrong;
}

interface Contact {
  readonly at: number;
  readonly name: string;
  readonly email: string;
}

/** Of which anything is entered. */
export function contactsIn(entries: Entries): Contact[] {
  return rows()
    .map((at) => {
      const [name = '', email = ''] = [contactField(at, 'name'), contactField(at, 'email')].map((field) =>
        entries[field]?.trim(),
      );
      return { at, name, email };
    })
    .filter(({ name, email }) => name !== '' || email !== '');
}

function rows(): number[] {
  return Array.from({ length: MOST_CONTACTS }, (_, at) => at);
}

/** Of an address that was copied from a browser. */
function domainIn(text: string): string {
  return text.replace(/^https?:\/\//i, '').replace(/\/.*$/, '');
}

function isDomain(text: string): boolean {
  return /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i.test(text);
}

function isAmount(text: string): boolean {
  return agreeableCents(text) !== null;
}

const MOST_CENTS = 1_000_000_000;

/** Null: not an amount in dollars and whole cents, or more than any contract is about. */
export function agreeableCents(dollars: string): number | null {
  const cents = centsOf(dollars);
  return cents === null || cents > MOST_CENTS ? null : cents;
}
