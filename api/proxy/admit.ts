// May this request be sent, and how much is set aside for it? Everything here is memory, but for a cold key's lease.
// The refusals stand in the order in which they are checked.
import {
  estimateInputTokens,
  expectedOutputTokens,
  plainOutputCap,
  reserveFor,
  wantedOutputTokens,
} from '../../domain/admission.ts';
import { payAdvice } from '../../domain/enforcement.ts';
import { TollgateError } from '../../domain/errors.ts';
import type { Nano } from '../../domain/nano.ts';
import { highestPrice } from '../../domain/overage.ts';
import { type Price, type PriceVersion, priceInForce } from '../../domain/prices.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import { isInPlan, isOfferedIn, type RoutedModel } from '../../services/channels/routing-table.ts';
import type { CreditNeed } from '../../services/leases/key-leases.ts';
import { beingProvisioned, stoppedForDebt } from '../../services/leases/refusals.ts';
import type { RateRefusal, RateScope, RateTicket } from '../../services/limits/rate-limiter.ts';
import type { RequestFacts } from './dialect.ts';
import type { Admitted, Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';

/** With less than this many output tokens an answer is worth nothing: then the request is refused for lack of credit. */
const LEAST_OUTPUT_TOKENS = 256;

/** @throws TollgateError of every refusal before the upstream is asked; the caller gives back what was taken until then. */
export async function admit(
  parts: ProxyParts,
  exchange: Exchange,
  apiKey: ApiKeyEntry,
  facts: RequestFacts,
): Promise<Admitted> {
  refuseWhileUnfit(parts);
  const routedModel = allowedModel(parts, exchange, apiKey, facts.modelId);
  if (apiKey.enforcement === 'provisioning') throw beingProvisioned();
  if (apiKey.enforcement === 'stopped') throw stopped();
  if (apiKey.restriction?.stage === 'stopped') throw stoppedForDebt(apiKey.restriction.payLink);
  const asked = momentOf(parts, routedModel);
  const inputTokens = estimateInputTokens(facts.contentBytes, routedModel.bytesPerToken);
  refuseBeyondContext(routedModel, inputTokens);
  const rateScopes = scopesOf(apiKey, routedModel);
  refuseBeyondRate(rateScopes, routedModel, inputTokens);
  const p95 = parts.expectedOutput.of(apiKey.id, routedModel.id);
  exchange.rateTicket = takeRate(parts, apiKey, rateScopes, routedModel, inputTokens + (p95 ?? 0));

  const p95Delivered = facts.streamed ? parts.expectedDelivery.of(apiKey.id, routedModel.id) : null;
  const p95Reserved = p95Delivered === null ? p95 : Math.max(p95Delivered, p95 ?? 0);
  const reservePrice = highestPrice(asked.price.price, apiKey.beyondIncludedPpm);
  const need = creditNeed(facts, routedModel, reservePrice, inputTokens, p95Reserved, parts.leases.leftOf(apiKey));
  const atOnce = parts.leases.reserve(apiKey, need);
  const reservation = atOnce ?? (await parts.leases.acquire(apiKey, need));
  // Whoever waited for credit is admitted when it has it: in the period whose caps it was counted under, at that moment's price.
  const { atMs, price } = atOnce === null ? momentOf(parts, routedModel) : asked;
  try {
    const paidAt = price === asked.price ? reservePrice : highestPrice(price.price, apiKey.beyondIncludedPpm);
    const paid = outputPaidBy(reservation.amount, facts, routedModel, paidAt, inputTokens);
    return { apiKey, facts, model: routedModel, price, reservePrice: paidAt, atMs, inputTokens, reservation, ...paid };
  } catch (error) {
    parts.leases.release(reservation);
    throw error;
  }
}

function momentOf({ incarnation }: ProxyParts, routedModel: RoutedModel): { atMs: number; price: PriceVersion } {
  const atMs = Math.floor(incarnation.timeMs());
  const price = priceInForce(routedModel.sellingPrices, atMs);
  if (price === null) throw notSold(routedModel.id);
  return { atMs, price };
}

function refuseWhileUnfit(parts: ProxyParts): void {
  if (parts.incarnation.mayAdmit() && parts.accepting()) return;
  throw new TollgateError('service_unavailable', {
    message:
      'This gateway cannot take new requests at the moment (it is draining, short of disk, or cut off from its ledger). Nothing was charged; try again.',
    retryAfterMs: 1_000,
  });
}

function allowedModel(parts: ProxyParts, exchange: Exchange, apiKey: ApiKeyEntry, modelId: string): RoutedModel {
  const routedModel = parts.routing().models.get(modelId);
  // A priced model that is bought nowhere is not on sale: it is not listed either.
  if (routedModel === undefined || routedModel.routes.length === 0) {
    throw new TollgateError('model_not_found', {
      message: `There is no model "${modelId.slice(0, 100)}" here. GET /v1/models lists the models that this key may use.`,
      param: 'model',
    });
  }
  if (apiKey.allowedModels !== null && !apiKey.allowedModels.has(modelId)) {
    throw new TollgateError('model_not_allowed', {
      message: `The API key ${apiKey.prefix}...${apiKey.lastFour} is bound to other models than "${modelId}". GET /v1/models lists them.`,
      param: 'model',
    });
  }
  if (!isInPlan(apiKey, routedModel)) {
    throw new TollgateError('model_not_allowed', {
      message: `The plan of this organization includes basic models, and "${modelId}" is none. GET /v1/models lists them; any other plan includes all. Nothing was charged.`,
      param: 'model',
    });
  }
  if (!isOfferedIn(routedModel, exchange.dialect.id)) {
    throw new TollgateError('model_not_found', {
      message: `The model "${modelId}" is not offered on this endpoint. GET /v1/models names the endpoints of each model.`,
      param: 'model',
    });
  }
  return routedModel;
}

function stopped(): TollgateError {
  return new TollgateError('organization_stopped', {
    message:
      'This organization is stopped. Ask its administrator to settle what is open; service returns at once. Nothing was charged.',
  });
}

function notSold(modelId: string): TollgateError {
  return new TollgateError('model_not_found', {
    message: `The model "${modelId}" has no price in force yet.`,
    param: 'model',
  });
}

function refuseBeyondContext(routedModel: RoutedModel, inputTokens: number): void {
  // The estimate may be off by half in either direction; only what cannot fit by any count is refused here.
  if (inputTokens <= routedModel.contextTokens * 2) return;
  throw new TollgateError('context_length_exceeded', {
    message: `prompt is too long: ${inputTokens} tokens > ${routedModel.contextTokens} maximum. Shorten the messages.`,
    param: 'messages',
  });
}

/** As with the context: by half the estimate may be wrong. What is smaller waits for an empty minute and has it alone (D9). */
function refuseBeyondRate(scopes: readonly RateScope[], routedModel: RoutedModel, inputTokens: number): void {
  const scope = scopes.find(({ tokensPerMinute }) => tokensPerMinute !== null && inputTokens > tokensPerMinute * 2);
  if (scope === undefined) return;
  throw new TollgateError('request_beyond_rate', {
    message: `This request has about ${inputTokens} input tokens, and the ${ownerOf(scope, routedModel)} may use ${scope.tokensPerMinute} tokens a minute: waiting does not help. Shorten it, or ask for a higher tier. Nothing was charged.`,
  });
}

function takeRate(
  parts: ProxyParts,
  apiKey: ApiKeyEntry,
  scopes: readonly RateScope[],
  routedModel: RoutedModel,
  tokens: number,
): RateTicket {
  const decision = parts.limiter.admit(scopes, tokens, parts.incarnation.realTimeMs());
  if (decision.allowed) return decision.ticket;
  throw beyondRate(decision, apiKey, routedModel);
}

function beyondRate(
  { scope, what, retryAfterMs }: RateRefusal,
  { restriction }: ApiKeyEntry,
  routedModel: RoutedModel,
): TollgateError {
  const rate = {
    requests: `${scope.requestsPerMinute} requests a minute`,
    tokens: `${scope.tokensPerMinute} tokens a minute`,
    concurrency: `${scope.concurrentRequests} requests at once`,
  };
  const may = `${ownerOf(scope, routedModel)} may use ${rate[what]}`;
  const waitSeconds = Math.ceil(retryAfterMs / 1000);
  const isForDebt = restriction !== null && what === 'requests' && !scope.id.startsWith('model:');
  return new TollgateError(what === 'concurrency' ? 'concurrency_exceeded' : 'rate_limit_exceeded', {
    message: isForDebt
      ? `An invoice of this organization is overdue: until it is paid the ${may}. ${payAdvice(restriction.payLink)}, or try again in ${waitSeconds} s. Nothing was charged.`
      : `The ${may}. Try again in ${waitSeconds} s, or ask for a higher tier. Nothing was charged.`,
    retryAfterMs,
  });
}

function ownerOf(scope: RateScope, routedModel: RoutedModel): string {
  if (scope.id.startsWith('key:')) return 'API key';
  return scope.id.startsWith('model:') ? `model "${routedModel.id}"` : 'organization';
}

export function scopesOf(apiKey: ApiKeyEntry, routedModel: RoutedModel): readonly RateScope[] {
  const { requestsPerMinute, tokensPerMinute, concurrentRequests } = routedModel;
  if (requestsPerMinute === null && tokensPerMinute === null && concurrentRequests === null) return apiKey.rateScopes;
  const id = `model:${apiKey.orgId}:${routedModel.id}`;
  return [...apiKey.rateScopes, { id, requestsPerMinute, tokensPerMinute, concurrentRequests }];
}

/** Streams reserve what is expected and ask for more on the way; a plain answer asks at once for what it could come to. */
function creditNeed(
  facts: RequestFacts,
  routedModel: RoutedModel,
  price: Price,
  inputTokens: number,
  p95: number | null,
  left: Nano | null,
): CreditNeed {
  const { answers } = facts;
  const asked = facts.askedOutputTokens;
  const modelMaximum = routedModel.maxOutputTokens;
  const costOf = (outputTokens: number) => reserveFor({ price, inputTokens, outputTokens: outputTokens * answers });
  const most = Math.min(asked ?? modelMaximum, modelMaximum);
  const expected = expectedOutputTokens({ asked, modelMaximum, p95 });
  const floor = costOf(Math.min(most, Math.max(LEAST_OUTPUT_TOKENS, facts.minimumOutputTokens)));
  const preferred = costOf(Math.max(expected, Math.min(most, facts.minimumOutputTokens)));
  if (facts.streamed) return { floor: smallerOf(floor, preferred), preferred, wish: preferred };
  const wish =
    left === null
      ? costOf(most)
      : costOf(wantedOutputTokens({ asked, modelMaximum, p95, leftNano: left, price, inputTokens }));
  return { floor: smallerOf(floor, preferred), preferred, wish: wish < preferred ? preferred : wish };
}

function smallerOf(a: Nano, b: Nano): Nano {
  return a < b ? a : b;
}

function outputPaidBy(
  reservedNano: Nano,
  facts: RequestFacts,
  routedModel: RoutedModel,
  price: Price,
  inputTokens: number,
): { reservedOutputTokens: number; loweredCap: number | null } {
  const { answers } = facts;
  const most = Math.min(facts.askedOutputTokens ?? routedModel.maxOutputTokens, routedModel.maxOutputTokens);
  const paid = plainOutputCap({
    asked: most * answers,
    modelMaximum: routedModel.maxOutputTokens * answers,
    minimum: facts.minimumOutputTokens * answers,
    reservedNano,
    price,
    inputTokens,
  });
  if (paid === null) {
    const needed = reserveFor({ price, inputTokens, outputTokens: facts.minimumOutputTokens * answers });
    throw new TollgateError('insufficient_credit', {
      message: `The thinking budget of ${facts.minimumOutputTokens} tokens needs ${needed} nano-USD reserved, and the balance allows ${reservedNano}. Top up or lower the budget.`,
    });
  }
  const perAnswer = Math.floor(paid / answers);
  return { reservedOutputTokens: paid, loweredCap: facts.streamed || perAnswer >= most ? null : perAnswer };
}
