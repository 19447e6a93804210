// A link to pay proves by itself that we made it, for that invoice and with that secret.
import { expect, test } from '@jest/globals';
import { PayLinks } from '../../../services/payments/pay-links.ts';
import { newId } from '../../../services/platform/ids.ts';

const links = new PayLinks('https://gate.example', 'one secret');
const tokenOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);

test('the link of an invoice leads to that invoice, also in another process with the same secret', () => {
  const [one, another] = [newId(), newId()];

  const url = links.urlOf(one);

  expect(url).toMatch(/^https:\/\/gate\.example\/pay\/[\w-]{64}$/);
  expect(new PayLinks('https://other.example', 'one secret').invoiceOf(tokenOf(url))).toBe(one);
  expect(links.invoiceOf(tokenOf(links.urlOf(another)))).toBe(another);
});

test('with another secret it leads nowhere, and so does one of which any letter is another', () => {
  const made = tokenOf(links.urlOf(newId()));
  const altered = [...made].map((letter, at) => made.slice(0, at) + (letter === 'A' ? 'B' : 'A') + made.slice(at + 1));

  expect(new PayLinks('https://gate.example', 'another secret').invoiceOf(made)).toBeNull();
  expect(altered.map((one) => links.invoiceOf(one)).filter((found) => found !== null)).toEqual([]);
});
