// The sums that Stripe takes, in the smallest unit of the currency.
import { invalid } from '../wire/refusals.ts';

const SMALLEST: Readonly<Record<string, number>> = { usd: 50, eur: 50, gbp: 30, cny: 400, hkd: 400 };
const LARGEST = 99_999_999;

export function checkAmount(amount: number, currency: string): void {
  const smallest = Object.hasOwn(SMALLEST, currency) ? SMALLEST[currency] : undefined;
  if (smallest === undefined) {
    const known = Object.keys(SMALLEST).join(', ');
    throw invalid(`Invalid currency: ${currency}. Stripe currently supports these currencies: ${known}`, {
      param: 'currency',
    });
  }
  if (amount < 1) {
    const message = 'This value must be greater than or equal to 1.';
    throw invalid(message, { code: 'parameter_invalid_integer', param: 'amount' });
  }
  if (amount < smallest) {
    const message = `Amount must be at least ${shown(smallest)} ${currency}`;
    throw invalid(message, { code: 'amount_too_small', param: 'amount' });
  }
  if (amount > LARGEST) {
    throw invalid(`Amount must be no more than ${shown(LARGEST)} ${currency}`, {
      code: 'amount_too_large',
      param: 'amount',
    });
  }
}

export function shown(amount: number): string {
  return `$${(amount / 100).toFixed(2)}`;
}
