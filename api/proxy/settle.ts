// What the customer owes for how the request ended, as the record that goes to the settlement writer. Pure but for the hand-over.
// Provider usage where it came (an explicit 0 is a value); else a function of the delivered bytes; nothing for failed, empty
// or stalled answers. What it cost us where we did not see it is never guessed: the provider's export says it later.
import { estimateInputTokens, estimateUsage } from '../../domain/admission.ts';
import { outputTokens, type Usage } from '../../domain/meters.ts';
import { type Nano, ZERO } from '../../domain/nano.ts';
import { charge, priceInForce } from '../../domain/prices.ts';
import type { Pick } from '../../services/channels/channel-health.ts';
import type { Acknowledged } from '../../services/ledger/settlement.ts';
import type { AttemptOutcome, AttemptRow, RequestOutcome } from '../../services/ledger/settlement-rows.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptEnd } from './attempt-end.ts';
import type { Admitted, Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';

export interface Verdict {
  readonly outcome: RequestOutcome;
  readonly usage: Usage;
  readonly source: 'provider' | 'estimate' | 'none';
  readonly deliveredBytes: number;
  readonly rated: Nano;
  /** The attempt whose answer the customer pays; null: none. */
  readonly winner: number | null;
}

/** What the end of the last attempt means for the customer. */
export function verdictOn(end: AttemptEnd, admitted: Admitted, n: number): Verdict {
  switch (end.kind) {
    case 'failed':
      return free(end.failure.class === 'empty' ? 'empty' : end.outcome === 'client_gone' ? 'client_gone' : 'failed');
    case 'stopped':
      return free('failed');
    case 'abandoned':
      return paid(admitted, 'client_gone', estimate(admitted, 0), 'estimate', 0, n);
    case 'answered': {
      const { facts, deliveredBytes } = end;
      if (facts.usageImplausible) return free('quarantined', deliveredBytes, n);
      const usage = facts.usage ?? estimate(admitted, deliveredBytes);
      return paid(admitted, 'complete', usage, facts.usage === null ? 'estimate' : 'provider', deliveredBytes, n);
    }
    case 'streamed': {
      const { reader, deliveredBytes } = end;
      if (reader.usageImplausible) return free('quarantined', deliveredBytes, n);
      const outcome = OUTCOME_OF_STREAM[end.how];
      // An error is all that this client gets, whoever caused it.
      if (deliveredBytes === 0 && end.how !== 'complete' && end.how !== 'client_gone') return free(outcome);
      // A running figure is not the provider's bill: only the final one is (StreamReader.usage). Who ran out of credit pays what
      // was delivered, also where the rest of the answer waited here already.
      const isFinal = reader.finished && outcome !== 'credit_exhausted';
      if (isFinal && reader.usage !== null) return paid(admitted, outcome, reader.usage, 'provider', deliveredBytes, n);
      return paid(admitted, outcome, estimate(admitted, deliveredBytes), 'estimate', deliveredBytes, n);
    }
  }
}

const OUTCOME_OF_STREAM = {
  complete: 'complete',
  cut: 'cut',
  stopped: 'cut',
  client_gone: 'client_gone',
  credit_exhausted: 'credit_exhausted',
  credit_unknown: 'credit_exhausted',
} as const;

function estimate(admitted: Admitted, deliveredBytes: number): Usage {
  return estimateUsage(admitted.facts.contentBytes, deliveredBytes, admitted.model.bytesPerToken);
}

function paid(
  admitted: Admitted,
  outcome: RequestOutcome,
  usage: Usage,
  source: 'provider' | 'estimate',
  deliveredBytes: number,
  n: number,
): Verdict {
  return { outcome, usage, source, deliveredBytes, rated: charge(admitted.price.price, usage), winner: n };
}

function free(outcome: RequestOutcome, deliveredBytes = 0, winner: number | null = null): Verdict {
  return { outcome, usage: {}, source: 'none', deliveredBytes, rated: ZERO, winner };
}

/** The row of an attempt that has ended. Its cost is known only where a provider's usage, or our own estimate, is charged. */
export function attemptRow(
  parts: ProxyParts,
  exchange: Exchange,
  admitted: Admitted,
  pick: Pick,
  attempt: Attempt,
  end: AttemptEnd,
  sentMs: number,
  verdict: Verdict | null,
): AttemptRow {
  const cost = priceInForce(pick.route.costPrices, admitted.atMs);
  const endedMs = parts.incarnation.realTimeMs();
  return {
    request_id: exchange.requestId,
    n: exchange.attempts.length + 1,
    org_id: admitted.apiKey.orgId,
    channel_id: pick.route.channel.id,
    channel_key_id: pick.channelKey.id,
    model_id: admitted.model.id,
    upstream_model: pick.route.upstreamModel,
    cost_version_id: cost?.id ?? null,
    outcome: attemptOutcome(end),
    failure_class: end.kind === 'failed' ? end.failure.class : null,
    status: end.kind === 'failed' ? end.failure.status : end.kind === 'stopped' ? null : 200,
    sent_ms: Math.round(sentMs),
    first_byte_ms: attempt.firstByteMs,
    duration_ms: Math.round(endedMs - sentMs),
    cost_nano: costOf(end, verdict, cost === null ? null : (usage) => charge(cost.price, usage)),
  };
}

function attemptOutcome(end: AttemptEnd): AttemptOutcome {
  switch (end.kind) {
    case 'failed':
      return end.outcome;
    case 'answered':
      return 'won';
    case 'abandoned':
      return 'client_gone';
    case 'stopped':
      return 'cut';
    case 'streamed':
      return end.how === 'complete' ? 'won' : OUTCOME_OF_STREAM[end.how] === 'cut' ? 'cut' : 'client_gone';
  }
}

function costOf(end: AttemptEnd, verdict: Verdict | null, rate: ((usage: Usage) => Nano) | null): string | null {
  if (end.kind === 'failed') return end.costFree ? '0' : null;
  if (verdict === null || verdict.winner === null || verdict.source === 'none' || rate === null) return null;
  return String(rate(verdict.usage));
}

/** Hands the record over; resolves when it is durable, or tells that it will never count. */
export function settle(
  parts: ProxyParts,
  exchange: Exchange,
  admitted: Admitted,
  verdict: Verdict,
): Promise<Acknowledged> {
  exchange.settled = true;
  const { reservation } = admitted;
  if (reservation.elsewhere === null) return handOver(parts, exchange, admitted, verdict);
  return parts.leases.bringHome(reservation).then(() => handOver(parts, exchange, admitted, verdict));
}

function handOver(parts: ProxyParts, exchange: Exchange, admitted: Admitted, verdict: Verdict): Promise<Acknowledged> {
  parts.leases.settle(admitted.reservation, verdict.rated);
  const { apiKey, model, facts } = admitted;
  if (verdict.source === 'provider') {
    parts.expectedOutput.learn(apiKey.id, model.id, outputTokens(verdict.usage));
    const deliveredTokens = estimateInputTokens(verdict.deliveredBytes, model.bytesPerToken);
    if (facts.streamed) parts.expectedDelivery.learn(apiKey.id, model.id, deliveredTokens);
  }
  const { lease } = admitted.reservation;
  const handedOverMs = performance.now();
  return new Promise((resolve) => {
    parts.writer.settle({
      usage: {
        request_id: exchange.requestId,
        org_id: apiKey.orgId,
        project_id: apiKey.projectId,
        member_id: apiKey.memberId,
        api_key_id: apiKey.id,
        lease_id: lease.id,
        model_id: model.id,
        dialect: exchange.dialect.id,
        streamed: facts.streamed,
        price_version_id: admitted.price.id,
        meters: verdict.usage,
        usage_source: verdict.source,
        delivered_bytes: verdict.deliveredBytes,
        rated_nano: String(verdict.rated),
        outcome: verdict.outcome,
        winner: verdict.winner,
        admitted_ms: admitted.atMs,
      },
      attempts: exchange.attempts,
      segments: exchange.segments,
      acknowledged(how) {
        parts.metrics.commitLag.at(how).observe((performance.now() - handedOverMs) / 1000);
        resolve(how);
      },
      inDatabase: () => parts.leases.confirmed(lease),
    });
  });
}
