// The receipt of a payment: HTML without script, which prints on one sheet. Whatever is not a text of ours is escaped.
import { floorToCents } from '../../domain/cents.ts';
import type { Receipt } from '../../services/payments/receipts.ts';
import { escaped, htmlPage } from './page-frame.ts';
import { cardName } from './pay-page.ts';
import type { Language } from './pay-words.ts';
import { RECEIPT_WORDS, type ReceiptWords } from './receipt-words.ts';

export function receiptPage(receipt: Receipt, language: Language): string {
  const words = RECEIPT_WORDS[language];
  const { number, paymentId, paidAt, card, refundedCents, usage } = receipt;
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(paidAt);
  const body = [
    `<p class="quiet">Tollgate</p>\n<h1>${words.title}</h1>`,
    facts([
      [words.number, number],
      [words.paidAt, day],
      [words.payment, paymentId],
      ...(card === null ? [] : [[words.paidWith, cardName(card)] as const]),
    ]),
    `<h2>${words.billTo}</h2>`,
    payer(receipt, words, language),
    table(receipt, words, language),
    ...(usage === null ? [] : [`<p class="quiet">${words.taxOnInvoice} ${escaped(usage.invoice)}</p>`]),
    ...(refundedCents === 0
      ? []
      : [`<p class="quiet">${words.refunded} ${money(receipt, language)(refundedCents)}</p>`]),
  ];
  return htmlPage(language, `${words.title} ${escaped(number)}`, body.join('\n'));
}

function payer({ billTo }: Receipt, words: ReceiptWords, language: Language): string {
  const { legalName, address, taxId, poNumber } = billTo;
  const place = [address?.postalCode, address?.city, address?.region].filter((part) => part).join(' ');
  const country =
    address === null ? null : (new Intl.DisplayNames(language, { type: 'region' }).of(address.country) ?? null);
  const lines = [legalName, address?.line1, address?.line2, place, country].filter((line): line is string => !!line);
  return [
    `<address>${lines.map(escaped).join('<br>')}</address>`,
    facts([
      ...(taxId === null ? [] : [[words.taxId, taxId] as const]),
      ...(poNumber === null ? [] : [[words.poNumber, poNumber] as const]),
    ]),
  ].join('\n');
}

function table(receipt: Receipt, words: ReceiptWords, language: Language): string {
  const { amountCents, taxCents, bonusNano, usage } = receipt;
  const inWords = money(receipt, language);
  const row = (name: string, cents: number) => `<tr><td>${escaped(name)}</td><td>${inWords(cents)}</td></tr>`;
  const sums = [row(words.net, amountCents - taxCents), row(words.tax, taxCents)];
  return `<table><thead><tr><th scope="col">${words.what}</th><th scope="col">${words.amount}</th></tr></thead>
<tbody>${row(bought(receipt, words, language), amountCents - taxCents)}${bonusNano === 0n ? '' : row(words.bonus(inWords(floorToCents(bonusNano))), 0)}</tbody>
<tfoot>${usage === null ? sums.join('') : ''}<tr><th scope="row">${words.total}</th><th>${inWords(amountCents)}</th></tr></tfoot></table>`;
}

function bought(receipt: Receipt, words: ReceiptWords, language: Language): string {
  const { purpose, plan, usage, creditNano } = receipt;
  if (plan !== null) return words.plan(`${plan.name.charAt(0).toUpperCase()}${plan.name.slice(1)}`, plan.months);
  if (usage !== null) return words.usage(usage.month, usage.invoice);
  if (purpose === 'second_capture') return words.second;
  const credit = money(receipt, language)(floorToCents(creditNano));
  return purpose === 'top_up' ? words.topUp(credit) : words.pack(credit);
}

function money({ currency }: Receipt, language: Language): (cents: number) => string {
  const { format } = new Intl.NumberFormat(language, { style: 'currency', currency });
  return (cents) => escaped(format(cents / 100));
}

function facts(all: readonly (readonly [name: string, value: string])[]): string {
  if (all.length === 0) return '';
  return `<dl>${all.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`;
}
