// What people do during a campaign, over HTTP as they would: administrators through the management API, customers on pages of Stripe and of
// ours. Whatever dies under their hands, they try again, and what is refused for good they take for an answer.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { BillingProduct } from './billing-product.ts';
import type { Complaints } from './complaints.ts';

const TRIES = 300;
const PAUSE_MS = 300;
/** Tries, some seconds. */
const CLICKS_AGAIN_AFTER = 15;
/** A clock that waits for what is due answers after half a minute at the latest. */
const ANSWERED_WITHIN_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly location: string | null;
  readonly etag: string | null;
}

export class Desk {
  readonly #product: BillingProduct;
  readonly #complaints: Complaints;
  #asking = 0;

  constructor(product: BillingProduct, complaints: Complaints) {
    this.#product = product;
    this.#complaints = complaints;
  }

  /** Somebody waits for an answer of the gateway. */
  get isAsking(): boolean {
    return this.#asking > 0;
  }

  /**
   * Once, however often it has to be sent. Null: it was refused for how things stand, as while a payment is in doubt. Whoever is told for
   * seconds that his first request is still under way, as of one whose gateway has died, asks anew, as people click again.
   */
  async post<T>(path: string, body: object): Promise<T | null> {
    for (;;) {
      const answer = await this.#admin('POST', path, body, { 'idempotency-key': randomUUID() });
      if (answer === null || !isUnderWay(answer.body)) return answer === null ? null : (answer.body as T);
    }
  }

  async get<T>(path: string): Promise<T> {
    const answer = await this.#admin('GET', path, null, {});
    if (answer === null) throw new Error(`GET ${path} was refused`);
    return answer.body as T;
  }

  /** Once, whatever comes of it; status 0: nobody answered. For the sake of the campaign alone: that it fails hurts nobody (D78). */
  async tries(path: string, body: object): Promise<Answer> {
    const request = { method: 'POST', headers: this.#headers(), body: JSON.stringify(body) };
    return fetched(`${this.#product.api}/api/v1${path}`, request).catch((error) => nobodyAnswered(whatBroke(error)));
  }

  /** Where the bills of an organization go. */
  async sendBillsTo(orgId: string, billingEmail: string): Promise<void> {
    const path = `/organizations/${orgId}/billing-details`;
    const seen = await this.#admin('GET', path, null, {});
    await this.#admin('PATCH', path, { billingEmail }, { 'if-match': seen?.etag ?? '' });
  }

  /** A page, of Stripe or of ours, where somebody fills in a form. */
  async submit(url: string, fields: Record<string, string>): Promise<void> {
    await this.#untilAnswered(
      `POST ${url}`,
      (status) => status < 400 || (status < 500 && status !== 429 && status !== 409),
      () =>
        this.#asked(url, {
          method: 'POST',
          redirect: 'manual',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams(fields).toString(),
        }),
    );
  }

  /** The newest card is the one that is asked. */
  async leaveCard(customer: string, paymentMethod: string): Promise<void> {
    const url = `${this.#product.stripe.url}/v1/payment_methods/${paymentMethod}/attach`;
    const headers = {
      authorization: 'Bearer sk_test_chaos',
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': randomUUID(),
    };
    const body = new URLSearchParams({ customer }).toString();
    const answer = await this.#untilAnswered(
      `POST ${url}`,
      (status) => status < 500 && status !== 429 && status !== 409,
      () => this.#asked(url, { method: 'POST', headers, body }),
    );
    if (answer.status !== 200) throw new Error(`Stripe refused ${paymentMethod}: ${JSON.stringify(answer.body)}`);
  }

  async #admin(
    method: string,
    path: string,
    body: object | null,
    extra: Readonly<Record<string, string>>,
  ): Promise<Answer | null> {
    const headers = { ...this.#headers(), ...extra };
    const answer = await this.#untilAnswered(`${method} ${path}`, isFinal, () =>
      this.#asked(`${this.#product.api}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) }),
    );
    if (answer.status < 300 || isUnderWay(answer.body)) return answer;
    if (answer.status === 409 || answer.status === 412) return null;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#product.adminToken}`, 'content-type': 'application/json' };
  }

  async #untilAnswered(
    what: string,
    isEnough: (status: number, body: unknown, tries: number) => boolean,
    ask: () => Promise<Answer>,
  ): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await ask();
      if (answer.status > 0 && isEnough(answer.status, answer.body, tries)) return answer;
      if (tries === TRIES) throw new Error(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
      await wait(PAUSE_MS);
    }
  }

  /** Status 0: nobody answered. */
  async #asked(url: string, request: RequestInit): Promise<Answer> {
    const isOurs = url.startsWith(this.#product.api);
    this.#asking += Number(isOurs);
    try {
      return await fetched(url, request);
    } catch (error) {
      const what = whatBroke(error);
      const of = isOurs ? 'gateway' : 'stripe';
      this.#complaints.hear({ atMs: Date.now(), of, pid: null, by: 'a client', what });
      return nobodyAnswered(what);
    } finally {
      this.#asking -= Number(isOurs);
    }
  }
}

async function fetched(url: string, request: RequestInit): Promise<Answer> {
  const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) });
  const text = await answer.text();
  const { headers, status } = answer;
  return { status, body: parsed(text), location: headers.get('location'), etag: headers.get('etag') };
}

function nobodyAnswered(why: string): Answer {
  return { status: 0, body: why, location: null, etag: null };
}

function whatBroke(error: unknown): string {
  return error instanceof Error ? `${error.message} ${error.cause}` : String(error);
}

/** Not of a request that may go another way when it is sent again at once. */
function isFinal(status: number, body: unknown, tries: number): boolean {
  if (status >= 500 || status === 429) return false;
  return !isUnderWay(body) || tries >= CLICKS_AGAIN_AFTER;
}

function isUnderWay(body: unknown): boolean {
  return JSON.stringify(body ?? null).includes('urn:tollgate:error:request_in_progress');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
