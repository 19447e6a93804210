// What operators learn of requests: numbers of every one, and a log line with its id where something went wrong. A request that
// went well leaves no line. What callers could cause by the thousand is sampled (design.md 3.7).
import type { TollgateError } from '../../domain/errors.ts';
import { METERS, outputTokens } from '../../domain/meters.ts';
import type { Pick } from '../../services/channels/channel-health.ts';
import type { AttemptRow } from '../../services/ledger/settlement-rows.ts';
import type { AttemptEnd } from './attempt-end.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';
import type { Verdict } from './settle.ts';

/** nginx's status for it, which dashboards know; HTTP has none. */
const CLIENT_LEFT = 499;

type UsageAnomaly = 'implausible' | 'parts_disagree' | 'zero_beside_content';

/** Once for every request, when all is said. A plain answer goes out whole at the end, also to a client that left before it. */
export function countAnswer({ metrics }: ProxyParts, { dialect, res, clientGone, admitted }: Exchange): void {
  const isSent = res.headersSent && (!clientGone || admitted?.facts.streamed === true);
  metrics.requests.add(dialect.id, isSent ? res.statusCode : CLIENT_LEFT);
}

export function countSettled({ metrics }: ProxyParts, modelId: string, verdict: Verdict): void {
  metrics.outcomes.add(modelId, verdict.outcome);
  metrics.ratedCharges.add(modelId, verdict.source, Number(verdict.rated));
  for (const meter of METERS) {
    const quantity = verdict.usage[meter];
    if (quantity) metrics.tokens.add(modelId, meter, quantity);
  }
}

export function tellError({ log, logSample, metrics }: ProxyParts, exchange: Exchange, error: TollgateError): void {
  const { requestId, dialect, admitted } = exchange;
  if (admitted === null) metrics.refusals.add(dialect.id, error.code);
  if (error.code === 'internal_error') {
    log.error({ requestId, err: error.details.cause }, 'request_failed');
    return;
  }
  const leftOut = exchange.clientGone ? null : logSample.take(error.code, performance.now());
  if (leftOut !== null) log.info({ requestId, surface: dialect.id, code: error.code, leftOut }, 'request_refused');
}

export function tellAttempt(
  { log, metrics }: ProxyParts,
  { requestId }: Exchange,
  { route: { channel }, channelKey }: Pick,
  end: AttemptEnd,
  { n, outcome, first_byte_ms }: AttemptRow,
): void {
  metrics.attempts.add(channel.name, outcome);
  if (first_byte_ms !== null) metrics.firstByte.at(channel.name).observe(first_byte_ms / 1000);
  if (end.kind !== 'failed' || end.failure.class === 'client_fault') return;
  // Ours, never the upstream's words: some repeat the key that they were given.
  const { class: failureClass, status, message } = end.failure;
  const why = end.refusal === null ? message : null;
  const where = { channelId: channel.id, channel: channel.name, channelKeyId: channelKey.id };
  log.info({ requestId, n, ...where, class: failureClass, status, why }, 'attempt_failed_over');
}

/** Usage that cannot be true is given away, so each wants its line; what is merely odd is charged as it was stated (T24, T27). */
export function tellUsage(
  { log, logSample, metrics }: ProxyParts,
  { requestId }: Exchange,
  { route: { channel } }: Pick,
  end: AttemptEnd,
  verdict: Verdict,
): void {
  const kind = anomalyIn(end, verdict);
  if (kind === null) return;
  metrics.usageAnomalies.add(channel.name, kind);
  const where = { requestId, channelId: channel.id, channel: channel.name };
  if (kind === 'implausible') {
    log.error(where, 'usage_implausible');
    return;
  }
  const leftOut = logSample.take(`${kind} ${channel.id}`, performance.now());
  if (leftOut !== null) log.warn({ ...where, kind, usage: verdict.usage, leftOut }, 'usage_anomalous');
}

/** null: nothing is wrong with it, or the provider stated none. */
function anomalyIn(end: AttemptEnd, verdict: Verdict): UsageAnomaly | null {
  if (verdict.outcome === 'quarantined') return 'implausible';
  if (verdict.source !== 'provider') return null;
  const read = end.kind === 'answered' ? end.facts : end.kind === 'streamed' ? end.reader : null;
  if (read?.usageRepaired) return 'parts_disagree';
  return verdict.deliveredBytes > 0 && outputTokens(verdict.usage) === 0 ? 'zero_beside_content' : null;
}
