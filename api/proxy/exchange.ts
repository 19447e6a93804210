// One request of a customer, from its first byte to its last. All fields exist from birth, so V8 keeps one hidden class, and
// the type is the list of what a request can become.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Price, PriceVersion } from '../../domain/prices.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import type { RoutedModel } from '../../services/channels/routing-table.ts';
import type { Segment } from '../../services/journal/journal.ts';
import type { Reservation } from '../../services/leases/lease.ts';
import type { AttemptRow } from '../../services/ledger/settlement-rows.ts';
import type { RateTicket } from '../../services/limits/rate-limiter.ts';
import { newId } from '../../services/platform/ids.ts';
import { AttemptBudget } from './attempt-budget.ts';
import type { Dialect, RequestFacts } from './dialect.ts';

export interface Exchange {
  readonly requestId: string;
  readonly dialect: Dialect;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  /** Let go of when the answer begins: a stream must not hold a megabyte of prompt for minutes. */
  body: Buffer | null;
  /** Whose request it is, and what is asked for, as soon as that is known: a refusal names the rates that it falls under. */
  apiKey: ApiKeyEntry | null;
  facts: RequestFacts | null;
  admitted: Admitted | null;
  rateTicket: RateTicket | null;
  readonly attempts: AttemptRow[];
  readonly budget: AttemptBudget;
  readonly segments: Segment[];
  /** Bytes of an attempt went to the client: from here on there is no other attempt. */
  answering: boolean;
  clientGone: boolean;
  settled: boolean;
  /** Null until it is known: then the rate windows get their estimate back. */
  billedTokens: number | null;
  /** Called when the client hangs up before its answer is complete. */
  onClientGone: (() => void) | null;
}

/** What admission decided; it does not change any more, but for the reservation's size. */
export interface Admitted {
  readonly apiKey: ApiKeyEntry;
  readonly facts: RequestFacts;
  readonly model: RoutedModel;
  readonly price: PriceVersion;
  /** What it sets aside is reckoned at this: the dearest that its plan may make of the price. */
  readonly reservePrice: Price;
  /** By PostgreSQL's clock, in whole milliseconds: what is recorded is what was judged by. */
  readonly atMs: number;
  readonly inputTokens: number;
  /** Output tokens of all answers together that the first reservation pays for. */
  readonly reservedOutputTokens: number;
  /** The cap that the upstream gets because the balance pays for no more; null: as asked. */
  readonly loweredCap: number | null;
  readonly reservation: Reservation;
}

export function newExchange(dialect: Dialect, req: IncomingMessage, res: ServerResponse): Exchange {
  return {
    requestId: newId(),
    dialect,
    req,
    res,
    startedAtMs: performance.now(),
    body: null,
    apiKey: null,
    facts: null,
    admitted: null,
    rateTicket: null,
    attempts: [],
    budget: new AttemptBudget(req.headers),
    segments: [],
    answering: false,
    clientGone: false,
    settled: false,
    billedTokens: null,
    onClientGone: null,
  };
}
