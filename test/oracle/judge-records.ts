// Each usage record on its own: one per request, its tokens are the provider's, and it costs one ceil of those tokens times the
// price that was in force when the request was admitted.
import type { UsageRecord } from './facts.ts';
import { distance, type Finding, unequal } from './finding.ts';
import { isRecordPriced } from './frame.ts';
import { type JoinedFacts, pinnedPrice, sumOf } from './joined-facts.ts';
import { unbilled } from './metered-cost.ts';
import type { Meters } from './meters.ts';
import { AT_LIST_PPM, amountNano, BYTES_PER_TOKEN, dueNano, type PriceEntry, priceInForce } from './price-table.ts';

const FREE_OUTCOMES = new Set(['failed', 'empty', 'quarantined']);

export function judgeRecords(facts: JoinedFacts): Finding[] {
  return [
    ...[...facts.recordsOf].flatMap(([requestId, records]) => judgeSingle(requestId, records)),
    ...facts.usageRecords.flatMap((record) => judgeRecord(facts, record)),
    ...facts.conflicts.map((id) => finding('record_conflict', id, 'was settled again with another charge', 0n)),
  ];
}

function judgeSingle(requestId: string, records: readonly UsageRecord[]): Finding[] {
  if (records.length === 1) return [];
  const surplus = sumOf(records.slice(1), ({ chargeNano }) => chargeNano);
  return [finding('record_doubled', requestId, `has ${records.length} usage records`, surplus)];
}

function judgeRecord(facts: JoinedFacts, record: UsageRecord): Finding[] {
  if (!isRecordPriced(facts.frame, record)) return judgeGift(facts, record);
  const price = pinnedPrice(facts, record.priceVersionId, record.modelId, 'selling');
  if (price === null || price !== priceInForce(facts.prices, record.modelId, 'selling', record.admittedAtMs)) {
    const detail = `price version ${record.priceVersionId} was not in force at ${new Date(record.admittedAtMs).toISOString()}`;
    return [finding('price_version_wrong', record.requestId, detail, record.chargeNano)];
  }
  return [...judgeCharge(facts, record, price), ...judgeGift(facts, record), ...judgeMeters(facts, record, price)];
}

function judgeMeters(facts: JoinedFacts, record: UsageRecord, price: PriceEntry): Finding[] {
  const winner = facts.attemptOf.get(`${record.requestId}.${record.winner}`);
  const isMetered = winner === undefined || facts.frame.isMetered(winner.channelId);
  switch (record.usageSource) {
    case 'provider':
      return isMetered ? judgeTokens(facts, record, price) : [];
    case 'estimate':
      return [...judgeEstimate(record, price), ...(isMetered ? judgeBounds(facts, record, price) : [])];
    case 'none':
      return [];
  }
}

/** Free is what brought nothing: no answer that won, no content that was delivered. A lie about usage waits for a person. */
function judgeGift(facts: JoinedFacts, record: UsageRecord): Finding[] {
  const isFree = record.usageSource === 'none' || FREE_OUTCOMES.has(record.outcome);
  if (!isFree || record.outcome === 'quarantined') return [];
  const hasWon = (facts.attemptsOf.get(record.requestId) ?? []).some(({ outcome }) => outcome === 'won');
  if (record.outcome !== 'complete' && record.deliveredBytes === 0n && !hasWon) return [];
  const detail = `${record.outcome} with usage ${record.usageSource} and ${record.deliveredBytes} bytes delivered costs nothing`;
  return [finding('given_away', record.requestId, detail, unbilled(facts, record.requestId))];
}

function judgeCharge(facts: JoinedFacts, record: UsageRecord, price: PriceEntry): Finding[] {
  const isFree = record.usageSource === 'none' || FREE_OUTCOMES.has(record.outcome);
  const rated = isFree ? 0n : amountNano(price, record.meters);
  const unpaid = sumOf(facts.unpaidOf.get(record.requestId) ?? [], ({ amountNano }) => amountNano);
  const due = dueNano(rated, record.beyondNano ?? 0n, record.beyondPpm ?? AT_LIST_PPM);
  return [
    ...unequal('charge_wrong', record.requestId, 'rated amount', record.ratedNano, rated),
    ...unequal('charge_wrong', record.requestId, 'due amount', record.dueNano, due),
    ...unequal('charge_wrong', record.requestId, `charge (${unpaid} unpaid)`, record.chargeNano, due - unpaid),
  ];
}

/** Only a provider's last word is charged as its usage, and that is the meter's, however the answer ended. */
function judgeTokens(facts: JoinedFacts, record: UsageRecord, price: PriceEntry): Finding[] {
  const metered = facts.meter.get(`${record.requestId}.${record.winner}`);
  if (metered !== undefined && same(record.meters, metered.usage)) return [];
  const usage = metered?.usage ?? {};
  const difference = distance(amountNano(price, record.meters), amountNano(price, usage));
  const detail = `${record.outcome}, tokens ${JSON.stringify(record.meters)}, metered ${JSON.stringify(usage)}`;
  return [finding('tokens_differ', record.requestId, detail, difference)];
}

/** The input part is judged where the prompt is known: with the client's log. */
function judgeEstimate(record: UsageRecord, price: PriceEntry): Finding[] {
  const bytesPerToken = BigInt(BYTES_PER_TOKEN[record.modelId] ?? 1);
  const output = Number((record.deliveredBytes + bytesPerToken - 1n) / bytesPerToken);
  const expected = { input: record.meters.input ?? 0, output };
  if (same(record.meters, expected)) return [];
  const difference = distance(amountNano(price, record.meters), amountNano(price, expected));
  const detail = `${JSON.stringify(record.meters)} estimated from ${record.deliveredBytes} delivered bytes`;
  return [finding('estimate_wrong', record.requestId, detail, difference)];
}

/** Nobody can have been given more than the provider made, nor asked more than it read. */
function judgeBounds(facts: JoinedFacts, record: UsageRecord, price: PriceEntry): Finding[] {
  const { output = 0, reasoning = 0, ...read } = facts.meter.get(`${record.requestId}.${record.winner}`)?.usage ?? {};
  const most = { input: Object.values(read).reduce((sum, units) => sum + units, 0), output: output + reasoning };
  if (within(record.meters, most)) return [];
  const difference = distance(amountNano(price, record.meters), amountNano(price, most));
  const detail = `${record.outcome}, estimated ${JSON.stringify(record.meters)}, metered ${JSON.stringify(most)}`;
  return [finding('estimate_wrong', record.requestId, detail, difference)];
}

function same(one: Meters, other: Meters): boolean {
  return within(one, other) && within(other, one);
}

function within(part: Meters, whole: Meters): boolean {
  return Object.entries(part).every(([meter, units]) => units <= (whole[meter] ?? 0));
}

function finding(kind: Finding['kind'], id: string, detail: string, differenceNano: bigint): Finding {
  return { kind, id, detail, differenceNano };
}
