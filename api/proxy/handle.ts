// The hot path, step by step. It waits for the upstream, for one group commit at the end, and on a cold key for one lease
// transaction; for nothing else. What a step takes, `giveBack` returns, whichever way the request ends.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';
import { totalTokens } from '../../domain/meters.ts';
import { ZERO } from '../../domain/nano.ts';
import type { Acknowledged } from '../../services/ledger/settlement.ts';
import { admit } from './admit.ts';
import { answerError, answerPlain, asTollgateError, endStream } from './answer.ts';
import { authenticate } from './authenticate.ts';
import type { Dialect } from './dialect.ts';
import { type Admitted, type Exchange, newExchange } from './exchange.ts';
import { hearHalfClose } from './half-close.ts';
import { refuseHead } from './head.ts';
import type { ProxyParts } from './proxy-parts.ts';
import { readBody } from './read-body.ts';
import { type Sent, sendUpstream } from './send-upstream.ts';
import { settle, type Verdict } from './settle.ts';
import { countAnswer, countSettled, tellError } from './telemetry.ts';
import { errorOfEnd } from './upstream-errors.ts';

export async function handle(
  parts: ProxyParts,
  dialect: Dialect,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const exchange = newExchange(dialect, req, res);
  parts.openRequests.count += 1;
  const hearNoMore = hearHalfClose(exchange);
  res.on('close', () => {
    hearNoMore();
    clientLeft(exchange);
  });
  try {
    refuseHead(req);
    const apiKey = await authenticate(parts, req);
    exchange.apiKey = apiKey;
    exchange.body = await readBody(req, parts.openBodies);
    const facts = dialect.readRequest(exchange.body);
    exchange.facts = facts;
    const admitted = await admit(parts, exchange, apiKey, facts);
    exchange.admitted = admitted;
    if (req.headers['idempotency-key'] !== undefined) await claimIdempotencyKey(parts, exchange, admitted);
    const sent = await sendUpstream(parts, exchange, admitted);
    exchange.billedTokens = totalTokens(sent.verdict.usage);
    const acknowledged = await settle(parts, exchange, admitted, sent.verdict);
    finish(parts, exchange, admitted, sent, acknowledged);
  } catch (error) {
    await refuse(parts, exchange, asTollgateError(error));
  } finally {
    giveBack(parts, exchange);
    parts.openRequests.count -= 1;
    countAnswer(parts, exchange);
  }
}

function clientLeft(exchange: Exchange): void {
  if (exchange.res.writableFinished) return;
  exchange.clientGone = true;
  exchange.onClientGone?.();
}

async function claimIdempotencyKey(
  parts: ProxyParts,
  { req, body, requestId }: Exchange,
  { apiKey }: Admitted,
): Promise<void> {
  const key = req.headers['idempotency-key'];
  if (typeof key === 'string' && body !== null)
    await parts.idempotency.claim({ apiKeyId: apiKey.id, key, body, requestId });
}

/** The charge is durable: now the client may have its end. Else it gets an error that says what it owes. */
function finish(
  parts: ProxyParts,
  exchange: Exchange,
  admitted: Admitted,
  { end, verdict }: Sent,
  acknowledged: Acknowledged,
): void {
  if (acknowledged === 'fenced' || acknowledged === 'lost' || acknowledged === 'unknown') {
    const error = acknowledged === 'unknown' ? settlementUnknown(exchange.requestId) : settlementFailed();
    answerWithError(parts, exchange, error);
    return;
  }
  countSettled(parts, admitted.model.id, verdict);
  if (exchange.clientGone && verdict.outcome === 'complete') parts.unsentEnds.add(exchange.requestId);
  if (end.kind === 'answered') answerPlain(parts, exchange, end);
  else if (end.kind === 'streamed' && end.how === 'complete')
    endStream(exchange, end, (held) => exchange.dialect.heldTail(held, admitted.facts));
  else answerWithError(parts, exchange, errorOfEnd(end));
}

/** An admitted request has a receipt also when it failed; one refused before admission leaves a metric only (design.md 3.7). */
async function refuse(parts: ProxyParts, exchange: Exchange, error: TollgateError): Promise<void> {
  const { admitted } = exchange;
  if (admitted !== null && !exchange.settled) {
    const acknowledged = await settle(parts, exchange, admitted, FAILED);
    if (acknowledged === 'committed' || acknowledged === 'spilled') countSettled(parts, admitted.model.id, FAILED);
  }
  answerWithError(parts, exchange, error);
}

const FAILED: Verdict = {
  outcome: 'failed',
  usage: {},
  source: 'none',
  deliveredBytes: 0,
  rated: ZERO,
  winner: null,
};

function answerWithError(parts: ProxyParts, exchange: Exchange, error: TollgateError): void {
  tellError(parts, exchange, error);
  answerError(parts, exchange, error);
}

function giveBack(parts: ProxyParts, exchange: Exchange): void {
  const { admitted, rateTicket } = exchange;
  if (rateTicket !== null) parts.limiter.release(rateTicket, exchange.billedTokens, parts.incarnation.realTimeMs());
  if (admitted !== null) parts.leases.release(admitted.reservation);
}

function settlementFailed(): TollgateError {
  return new TollgateError('settlement_failed', {
    message:
      'The charge for this answer could not be recorded, so its end is withheld and nothing is charged. Try again.',
    retryAfterMs: 1_000,
  });
}

function settlementUnknown(requestId: string): TollgateError {
  return new TollgateError('settlement_unknown', {
    message: `The ledger fell silent while this answer was being charged, so its end is withheld. Whether it is charged is not known yet: GET /v1/requests/${requestId} will say. Look there before you try again.`,
  });
}
