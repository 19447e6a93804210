// What the hot path is wired to (api/gateway.ts makes it once per process). Nothing here reaches Temporal or Stripe.
import type { Logger } from 'pino';
import type { ChannelHealth } from '../../services/channels/channel-health.ts';
import type { RoutingTable } from '../../services/channels/routing-table.ts';
import type { Egress } from '../../services/egress/egress.ts';
import type { IdempotencyStore } from '../../services/idempotency/inference-requests.ts';
import type { Incarnation } from '../../services/incarnations/incarnation.ts';
import type { Journal } from '../../services/journal/journal.ts';
import type { ExpectedOutput } from '../../services/leases/expected-output.ts';
import type { LeaseBook } from '../../services/leases/lease-book.ts';
import type { SettlementWriter } from '../../services/ledger/settlement-writer.ts';
import type { RateLimiter } from '../../services/limits/rate-limiter.ts';
import type { LogSample } from '../../services/platform/log-sample.ts';
import type { Metrics } from '../../services/platform/metrics.ts';
import type { UnsentEnds } from '../../services/usage/unsent-ends.ts';
import type { Authentication } from './authenticate.ts';
import type { InFlight } from './in-flight.ts';

export interface ProxyParts extends Authentication {
  readonly incarnation: Incarnation;
  readonly journal: Journal;
  readonly leases: LeaseBook;
  readonly writer: SettlementWriter;
  /** As providers count it. */
  readonly expectedOutput: ExpectedOutput;
  /** Of streams, as we count it by bytes: by that they use up their reserve, whatever their provider says in the end. */
  readonly expectedDelivery: ExpectedOutput;
  readonly limiter: RateLimiter;
  readonly routing: () => RoutingTable;
  readonly health: ChannelHealth;
  readonly egress: Egress;
  readonly idempotency: IdempotencyStore;
  readonly unsentEnds: UnsentEnds;
  readonly openAttempts: InFlight;
  /** Of requests whose body has not arrived whole. */
  readonly openBodies: InFlight;
  /** From the first byte to the charge: of a request whose client has left, no socket tells. */
  readonly openRequests: { count: number };
  readonly metrics: Metrics;
  readonly log: Logger;
  /** For lines that callers could cause by the thousand. */
  readonly logSample: LogSample;
  /** False while the disk of the journal is nearly full or the process drains. */
  readonly accepting: () => boolean;
}
