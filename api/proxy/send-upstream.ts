// Finds an upstream that answers: attempts, one after the other, until one succeeds or none may be tried. Failover ends with the
// first byte that goes to the client. Every attempt leaves a row.
import { TollgateError } from '../../domain/errors.ts';
import { type Failure, mayFailOver } from '../../domain/failures.ts';
import { priceInForce } from '../../domain/prices.ts';
import type { Pick, Tried } from '../../services/channels/channel-health.ts';
import type { RoutedModel } from '../../services/channels/routing-table.ts';
import { EgressRefused } from '../../services/egress/egress.ts';
import { Attempt } from './attempt.ts';
import { LEFT_HEADER } from './attempt-budget.ts';
import type { AttemptEnd, FailedAttempt } from './attempt-end.ts';
import type { Admitted, Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';
import { attemptRow, type Verdict, verdictOn } from './settle.ts';
import { tellAttempt, tellUsage } from './telemetry.ts';

/** With nobody else left, a busy upstream that names so short a wait is asked once more. */
const WORTH_WAITING_MS = 2_500;
const NOTHING: Tried = { channelKeys: new Set(), channels: new Set() };
/** Timers may fire a little early and would find the key still resting. */
const TIMER_SLACK_MS = 5;

export interface Sent {
  readonly end: AttemptEnd;
  readonly verdict: Verdict;
}

/** Reads exchange.body, and lets go of it when the answer begins. @throws TollgateError no_channel when no attempt could be made */
export async function sendUpstream(parts: ProxyParts, exchange: Exchange, admitted: Admitted): Promise<Sent> {
  let tried = NOTHING;
  let last: Sent | null = null;
  let waited = false;
  if (exchange.budget.isUsedUpBefore) throw wentInCircles(admitted);
  for (;;) {
    // The table of this moment: a channel that was disabled meanwhile gets no request, also inside a retry (gateways.md T41).
    const model = parts.routing().models.get(admitted.model.id) ?? admitted.model;
    const pick = parts.health.pick(model, exchange.dialect.id, tried, performance.now());
    if (pick !== null) {
      last = await attemptAt(parts, exchange, admitted, pick);
      if (last.end.kind !== 'failed' || !mayTryAnother(exchange, last.end)) return last;
      tried = withTried(tried, pick, last.end.failure);
      continue;
    }
    if (last === null) throw noChannel(parts, exchange, model);
    const waitMs = waited ? null : worthWaitingMs(last);
    if (waitMs === null) return last;
    waited = true;
    await new Promise((resolve) => setTimeout(resolve, waitMs + TIMER_SLACK_MS));
    if (exchange.clientGone) return last;
    tried = { channelKeys: NOTHING.channelKeys, channels: tried.channels };
  }
}

function mayTryAnother(exchange: Exchange, end: FailedAttempt): boolean {
  return (
    mayFailOver(end.failure) &&
    !exchange.clientGone &&
    !exchange.answering &&
    exchange.budget.allowsAnother(performance.now() - exchange.startedAtMs)
  );
}

/** A dead or busy key says nothing about the channel's other keys. */
function withTried({ channelKeys, channels }: Tried, { route, channelKey }: Pick, failure: Failure): Tried {
  const ofKeyOnly = failure.class === 'dead_key' || failure.class === 'rate_limited';
  return {
    channelKeys: new Set([...channelKeys, channelKey.id]),
    channels: ofKeyOnly ? channels : new Set([...channels, route.channel.id]),
  };
}

function worthWaitingMs({ end }: Sent): number | null {
  if (end.kind !== 'failed' || end.failure.class !== 'rate_limited') return null;
  const waitMs = end.failure.retryAfterMs;
  return waitMs === null || waitMs > WORTH_WAITING_MS ? null : waitMs;
}

async function attemptAt(parts: ProxyParts, exchange: Exchange, admitted: Admitted, pick: Pick): Promise<Sent> {
  const n = exchange.attempts.length + 1;
  const sentMs = parts.incarnation.realTimeMs();
  const { use } = pick.route.channel;
  // From the choice of the key on: it is not given up while an attempt may still send it.
  use.attempts += 1;
  try {
    await writeIntent(parts, exchange, admitted, pick, n, sentMs);
    parts.health.started(pick, performance.now());
    try {
      const attempt = launch(parts, exchange, admitted, pick, n);
      const end = await attempt.ended;
      judgeHealth(parts, pick, end);
      const verdict = verdictOn(end, admitted, n);
      const row = attemptRow(parts, exchange, admitted, pick, attempt, end, sentMs, verdict);
      exchange.attempts.push(row);
      tellAttempt(parts, exchange, pick, end, row);
      tellUsage(parts, exchange, pick, end, verdict);
      return { end, verdict };
    } finally {
      parts.health.finished(pick);
    }
  } finally {
    use.attempts -= 1;
  }
}

/** Not async: the rewritten body must not stay alive in a suspended frame while a stream runs for minutes. */
function launch(parts: ProxyParts, exchange: Exchange, admitted: Admitted, pick: Pick, n: number): Attempt {
  const { dialect, body } = exchange;
  const { route, channelKey } = pick;
  if (body === null) throw new Error('the body was let go before the last attempt');
  const headers = dialect.upstreamHeaders(channelKey.credential, exchange.req.headers);
  headers.push('x-tollgate-attempt-id', `${exchange.requestId}.${n}`, LEFT_HEADER, String(exchange.budget.spend()));
  const rewritten = dialect.rewriteRequest(body, admitted.facts, {
    upstreamModel: route.upstreamModel,
    outputCap: admitted.loweredCap,
    outputCapField: route.channel.outputCapField,
  });
  const attempt = new Attempt(parts, exchange, admitted, pick);
  const { baseUrl, allowLocal } = route.channel;
  const path = upstreamPath(baseUrl, dialect.upstreamPath);
  try {
    attempt.send(parts.egress.upstream(baseUrl, allowLocal), { path, headers, body: rewritten });
  } catch (error) {
    if (!(error instanceof EgressRefused)) throw error;
    attempt.refusedByEgress(error); // of this channel: the next one may do
  }
  return attempt;
}

function writeIntent(
  parts: ProxyParts,
  exchange: Exchange,
  admitted: Admitted,
  pick: Pick,
  n: number,
  sentMs: number,
): Promise<void> {
  const { apiKey, model, price, reservation } = admitted;
  return new Promise((resolve, reject) => {
    parts.journal.intend(
      {
        kind: 'intent',
        requestId: exchange.requestId,
        n,
        orgId: apiKey.orgId,
        apiKeyId: apiKey.id,
        channelId: pick.route.channel.id,
        channelKeyId: pick.channelKey.id,
        modelId: model.id,
        upstreamModel: pick.route.upstreamModel,
        priceVersionId: price.id,
        costVersionId: priceInForce(pick.route.costPrices, admitted.atMs)?.id ?? null,
        estimateNano: String(reservation.amount),
        sentMs: Math.round(sentMs),
      },
      (where) => {
        if (where instanceof Error) return reject(journalFull(where));
        exchange.segments.push(where);
        resolve();
      },
    );
  });
}

function judgeHealth(parts: ProxyParts, pick: Pick, end: AttemptEnd): void {
  const nowMs = performance.now();
  if (end.kind === 'failed') {
    // A client that hung up says nothing about the channel.
    if (end.outcome !== 'client_gone') parts.health.failed(pick, end.failure, nowMs);
  } else if (
    end.kind === 'answered' ||
    end.kind === 'abandoned' ||
    (end.kind === 'streamed' && end.how === 'complete')
  ) {
    parts.health.succeeded(pick);
  } else if (end.kind === 'streamed' && end.how === 'cut') {
    parts.health.failed(pick, CUT, nowMs);
  }
}

const CUT: Failure = { class: 'protocol', status: null, retryAfterMs: null, message: 'the stream was cut' };

const paths = new Map<string, string>();

/** The base URL's own path before the dialect's: https://host/openai/v1 + /chat/completions. */
function upstreamPath(baseUrl: string, dialectPath: string): string {
  const id = baseUrl + dialectPath;
  let path = paths.get(id);
  if (path === undefined) {
    path = new URL(baseUrl).pathname.replace(/\/$/, '') + dialectPath;
    paths.set(id, path);
  }
  return path;
}

function wentInCircles({ model }: Admitted): TollgateError {
  return new TollgateError('no_channel', {
    message: `This request for "${model.id}" came through as many gateways as one may pass: a channel of one of them leads back to it. Nothing was charged.`,
  });
}

/** `model`: of the newest table; asking with an older one would bring back what that said of the channels. */
function noChannel(parts: ProxyParts, exchange: Exchange, model: RoutedModel): TollgateError {
  const retryAfterMs = parts.health.retryAfterMs(model, exchange.dialect.id, performance.now());
  return new TollgateError('no_channel', {
    message: `No upstream for the model "${model.id}" is available at this moment. Nothing was charged; try again${retryAfterMs === null ? ' later' : ` in ${Math.ceil(retryAfterMs / 1000)} s`} or use another model.`,
    retryAfterMs: retryAfterMs ?? 5_000,
  });
}

function journalFull(cause: Error): TollgateError {
  return new TollgateError('service_unavailable', {
    message:
      'The gateway could not write down that this request was to be sent, so it was not sent. Nothing was charged; try again.',
    retryAfterMs: 1_000,
    cause,
  });
}
