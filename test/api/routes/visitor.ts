// Somebody with a browser on the page of an invoice, and the customer whose invoice it is.
import { newId } from '../../../services/platform/ids.ts';
import { client, submit } from '../../fake-stripe/stripe-client.ts';
import type { BilledCustomer, Counter } from '../../services/payments/billed-customer.ts';
import type { ManagementApp } from './management-app.ts';

interface Page {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Where customers come from whose invoices the app's page shows. */
export function counterOf({ worker: db, db: admin, api, stripe: stripeUrl }: ManagementApp): Counter {
  return {
    ...{ db, admin, stripe: api, stripeUrl, sdk: client(stripeUrl) },
    async newOrganization() {
      const orgId = newId();
      await admin.query('insert into organizations (id, name) values ($1, $2)', [orgId, `customer ${orgId}`]);
      return orgId;
    },
  };
}

export class Visitor {
  readonly #app: ManagementApp;

  constructor(app: ManagementApp) {
    this.#app = app;
  }

  linkOf({ invoiceId }: BilledCustomer): string {
    return this.#app.links.urlOf(invoiceId);
  }

  /** Wherever he was sent. */
  async open(location: string, language = 'en'): Promise<Page> {
    const answer = await fetch(new URL(location, this.#app.url), { headers: { 'accept-language': language } });
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  }

  /** The button of a card, the newest first; where he is sent. */
  async press(customer: BilledCustomer, at = 0): Promise<{ status: number; location: string }> {
    return submit(this.linkOf(customer), { paymentMethod: (await this.cardsOf(customer))[at] ?? '' });
  }

  async cardsOf({ orgId }: BilledCustomer): Promise<string[]> {
    const { rows } = await this.#app.db.query<{ id: string }>(
      'select id from payment_methods where org_id = $1 and detached_at is null order by attached_at desc, id desc',
      [orgId],
    );
    return rows.map(({ id }) => id);
  }
}
