// payment_method_options of the one kind of payment method that there is. What is asked of the card is shown again.
import { notServed } from '../wire/refusals.ts';

type Usage = 'installment' | 'recurring' | 'unscheduled';

interface CardOptions {
  readonly request_three_d_secure: 'any' | 'automatic' | 'challenge' | null;
  readonly setup_credential_usage?: Usage;
  readonly stored_credential_usage?: Usage;
}

const SERVED: readonly string[] = ['request_three_d_secure', 'setup_credential_usage', 'stored_credential_usage'];

/** Null: nothing is said about the card. */
export function cardOptions(asked: { readonly card?: object | '' | null } | undefined): CardOptions | null {
  const { card, ...others } = asked ?? {};
  const options = { ...(card || {}) };
  const unserved = Object.keys(others)[0] ?? Object.keys(options).find((name) => !SERVED.includes(name));
  if (unserved !== undefined) throw notServed(`${unserved} in payment_method_options`);
  return card === undefined ? null : { request_three_d_secure: null, ...options };
}

export function wantsCustomer(request: string | null | undefined): boolean {
  return request === 'any' || request === 'challenge';
}
