// Every operation that the fake serves. What is not here answers 404, as an address that Stripe does not know.
import { BALANCE_TRANSACTION_ROUTES } from './resources/balance-transactions.ts';
import { CHARGE_ROUTES } from './resources/charges.ts';
import { CHECKOUT_SESSION_ROUTES } from './resources/checkout-sessions.ts';
import { CUSTOMER_ROUTES } from './resources/customers.ts';
import { DISPUTE_ROUTES } from './resources/disputes.ts';
import { EVENT_ROUTES } from './resources/events.ts';
import { PAYMENT_INTENT_ROUTES } from './resources/payment-intents.ts';
import { PAYMENT_METHOD_ROUTES } from './resources/payment-methods.ts';
import { PORTAL_SESSION_ROUTES } from './resources/portal-sessions.ts';
import { REFUND_ROUTES } from './resources/refunds.ts';
import { SETUP_INTENT_ROUTES } from './resources/setup-intents.ts';
import { TAX_CALCULATION_ROUTES } from './resources/tax-calculations.ts';
import { TAX_TRANSACTION_ROUTES } from './resources/tax-transactions.ts';
import type { Route } from './wire/route.ts';

export const ROUTES: readonly Route[] = [
  ...CUSTOMER_ROUTES,
  ...PAYMENT_METHOD_ROUTES,
  ...SETUP_INTENT_ROUTES,
  ...PAYMENT_INTENT_ROUTES,
  ...CHARGE_ROUTES,
  ...CHECKOUT_SESSION_ROUTES,
  ...REFUND_ROUTES,
  ...BALANCE_TRANSACTION_ROUTES,
  ...DISPUTE_ROUTES,
  ...EVENT_ROUTES,
  ...PORTAL_SESSION_ROUTES,
  ...TAX_CALCULATION_ROUTES,
  ...TAX_TRANSACTION_ROUTES,
];

export interface Found {
  readonly route: Route;
  /** The part of the path that names an object; '' where there is none. */
  readonly id: string;
}

/** Null: Stripe has no such address, or the fake does not serve it. */
export function findRoute(method: string, path: string): Found | null {
  const parts = path.split('/');
  for (const route of ROUTES) {
    const [wanted, template = ''] = route.operation.split(' ');
    const names = template.split('/');
    if (wanted !== method || names.length !== parts.length) continue;
    if (!names.every((name, at) => name.startsWith('{') || name === parts[at])) continue;
    const at = names.findIndex((name) => name.startsWith('{'));
    return { route, id: at === -1 ? '' : decodeURIComponent(parts[at] ?? '') };
  }
  return null;
}
