// The page on which an invoice is paid: HTML without script, so it works in whatever opens a link from a mail. It shows one invoice, the
// cards that may pay it, and what became of the last try. Whatever is not a text of ours is escaped.
import { escaped, htmlPage, note } from './page-frame.ts';
import { type Language, PAY_WORDS, type PayWords, type Refused } from './pay-words.ts';

export interface Bill {
  /** Null: usage. */
  readonly plan: string | null;
  readonly months: number | null;
  readonly amountCents: number;
  /** What a card is asked for. */
  readonly remainingCents: number;
  /** Of the amount. */
  readonly taxCents: number;
  readonly currency: string;
  readonly dueAt: Date;
}

export interface PayableCard {
  readonly id: string;
  readonly brand: string;
  readonly last4: string;
}

export type PayState =
  | { readonly is: 'open' | 'at_bank'; readonly cards: readonly PayableCard[]; readonly bankPage: string | null }
  | { readonly is: 'confirming' | 'paid' | 'void' };

export interface PayView {
  readonly bill: Bill;
  readonly state: PayState;
  readonly refusal: { readonly why: Refused; readonly card: string | null } | null;
  /** Stripe could not be asked. */
  readonly isProviderAway: boolean;
}

export function payPage({ bill, state, refusal, isProviderAway }: PayView, language: Language): string {
  const words = PAY_WORDS[language];
  const shown = [
    ...headOf(state, words),
    ...(state.is === 'void' ? [] : billLines(bill, state, words, language)),
    ...(isProviderAway ? [note(words.providerAway)] : []),
    ...(refusal === null || isProviderAway ? [] : [note(refusalLine(refusal, words))]),
    ...actionsOf(state, words),
  ];
  return htmlPage(language, words.title, shown.join('\n'), state.is === 'confirming');
}

/** What is told where there is no invoice to show. */
export function payTroublePage(isNotOurs: boolean, requestId: string, language: Language): string {
  const words = PAY_WORDS[language];
  const [title, more] = isNotOurs ? [words.notOurs, words.notOursMore] : [words.trouble, words.troubleMore];
  return htmlPage(
    language,
    title,
    `<h1>${title}</h1>\n<p>${more}</p>\n<p class="quiet">${escaped(requestId)}</p>`,
    false,
  );
}

function headOf(state: PayState, words: PayWords): string[] {
  switch (state.is) {
    case 'open':
      return [`<h1>${words.title}</h1>`];
    case 'at_bank':
      return [`<h1>${words.atBank}</h1>`];
    case 'confirming':
      return [`<h1>${words.confirming}</h1>`, `<p>${words.confirmingMore}</p>`];
    case 'paid':
      return [`<h1>${words.paid}</h1>`, `<p>${words.paidMore}</p>`];
    case 'void':
      return [`<h1>${words.nothingToPay}</h1>`, `<p>${words.nothingToPayMore}</p>`];
  }
}

function billLines(
  { plan, months, amountCents, remainingCents, taxCents, currency, dueAt }: Bill,
  state: PayState,
  words: PayWords,
  language: Language,
): string[] {
  const { format } = new Intl.NumberFormat(language, { style: 'currency', currency });
  const due = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(dueAt);
  const what = plan === null ? words.usage : `${capitalized(plan)}, ${months === 12 ? words.oneYear : words.oneMonth}`;
  const asked = state.is === 'paid' ? amountCents : remainingCents;
  // Which part of an amount its tax is in nobody has said.
  const saysTax = taxCents > 0 && asked === amountCents;
  return [
    `<p class="quiet">${escaped(what)}</p>`,
    `<p class="amount">${escaped(format(asked / 100))}</p>`,
    ...(!saysTax ? [] : [`<p class="quiet">${words.ofWhichTax} ${escaped(format(taxCents / 100))}</p>`]),
    ...(state.is === 'paid' ? [] : [`<p class="quiet">${words.dueOn} ${escaped(due)}</p>`]),
  ];
}

function actionsOf(state: PayState, words: PayWords): string[] {
  if (state.is === 'paid') return [`<p><a href="/console/">${words.toConsole}</a></p>`];
  if (state.is !== 'open' && state.is !== 'at_bank') return [];
  const atBank =
    state.bankPage === null
      ? []
      : [
          `<p><a class="button" href="${escaped(state.bankPage)}">${words.continueAtBank}</a></p>`,
          `<p>${words.orAnother}</p>`,
        ];
  const cards = state.cards.map(
    (card) =>
      `<button name="paymentMethod" value="${escaped(card.id)}">${words.payWith} ${escaped(cardName(card))}</button>`,
  );
  return [
    ...atBank,
    ...(cards.length === 0 ? [`<p>${words.noCard}</p>`] : []),
    `<form method="post">${cards.join('\n')}<button class="second" name="another" value="card">${words.anotherCard}</button></form>`,
  ];
}

export function cardName({ brand, last4 }: Pick<PayableCard, 'brand' | 'last4'>): string {
  return `${capitalized(brand)} •••• ${last4}`;
}

function capitalized(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

function refusalLine({ why, card }: NonNullable<PayView['refusal']>, { refused }: PayWords): string {
  return card === null ? refused[why] : `${card}: ${refused[why]}`;
}
