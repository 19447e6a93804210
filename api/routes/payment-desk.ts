// Whatever needs Stripe asks here for it: an installation may be without.
import { TollgateError } from '../../domain/errors.ts';
import type { AppDependencies, PaymentDesk } from './app-dependencies.ts';

/** @throws TollgateError payments_not_configured */
export function deskOf({ payments: desk }: AppDependencies): PaymentDesk {
  if (desk !== null) return desk;
  throw new TollgateError('payments_not_configured', {
    message:
      'This installation takes no payments: its operator has to set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.',
  });
}
