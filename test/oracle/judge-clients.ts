// What the clients saw against what was charged: an end that was seen has its record, an error that was seen costs nothing, and
// nobody is charged who did not call.
import type { Answer, UsageRecord } from './facts.ts';
import { type Finding, unequal } from './finding.ts';
import { wasHitDuring } from './hits.ts';
import type { JoinedFacts } from './joined-facts.ts';
import { amountNano, BYTES_PER_TOKEN, priceInForce } from './price-table.ts';

const ENDED_OUTCOMES = new Set(['complete', 'empty']);

export function judgeClients(facts: JoinedFacts): Finding[] {
  const { answers } = facts;
  if (answers === null) return [];
  return [...answers.flatMap((answer) => judgeAnswer(facts, answer)), ...judgeStrangers(facts, answers)];
}

function judgeAnswer(facts: JoinedFacts, answer: Answer): Finding[] {
  const { requestId } = answer;
  if (requestId === null) return [];
  const record = facts.recordsOf.get(requestId)?.[0] ?? null;
  const isError = answer.status >= 400;
  if (isError) return judgeError(requestId, answer, record);
  if (answer.terminatorSeen) return judgeEnd(facts, requestId, answer, record);
  return judgeLostEnd(facts, requestId, answer, record);
}

function judgeError(requestId: string, answer: Answer, record: UsageRecord | null): Finding[] {
  if (record === null || record.chargeNano === 0n) return [];
  const detail = `the client got ${answer.status} ${answer.errorCode} and was charged`;
  return [{ kind: 'charged_for_error', id: requestId, detail, differenceNano: record.chargeNano }];
}

/** An answer whose usage nobody can believe is given away until a person has looked (gateways.md T7): only for such a lie. */
function judgeEnd(facts: JoinedFacts, requestId: string, answer: Answer, record: UsageRecord | null): Finding[] {
  const isLie = record?.outcome === 'quarantined' && answer.fault?.includes('absurd-usage');
  if (record === null || !(ENDED_OUTCOMES.has(record.outcome) || isLie)) {
    const detail = `the client saw the end, the record is ${record?.outcome ?? 'missing'}`;
    return [{ kind: 'record_missing', id: requestId, detail, differenceNano: unbilled(facts, requestId) }];
  }
  return record.usageSource === 'estimate' ? judgeSeenBytes(facts, answer, record) : [];
}

/** In selling prices of the moment: what the provider metered for the answer that nobody paid. */
function unbilled(facts: JoinedFacts, requestId: string): bigint {
  for (let n = 1; ; n += 1) {
    const metered = facts.meter.get(`${requestId}.${n}`);
    if (metered === undefined) return 0n;
    if (facts.meter.has(`${requestId}.${n + 1}`)) continue;
    const price = priceInForce(facts.prices, metered.modelId, 'selling', metered.atMs);
    return price === null ? 0n : amountNano(price, metered.usage);
  }
}

/** An estimate is a pure function of the bytes of the prompt and of the bytes that the client was given. */
function judgeSeenBytes(facts: JoinedFacts, answer: Answer, record: UsageRecord): Finding[] {
  const bytesPerToken = BYTES_PER_TOKEN[record.modelId] ?? 1;
  const input = Math.floor(answer.promptBytes / bytesPerToken);
  const price = priceInForce(facts.prices, record.modelId, 'selling', record.admittedAtMs);
  const expected = price === null ? 0n : amountNano(price, { ...record.meters, input });
  return [
    ...unequal('estimate_wrong', record.requestId, `rated (${input} input tokens)`, record.ratedNano, expected),
    ...unequal('estimate_wrong', record.requestId, 'delivered', record.deliveredBytes, BigInt(answer.contentBytes)),
  ];
}

/**
 * A complete record whose client waited in vain: only when its gateway fell, or said itself that the end was not sent. A fault
 * may take the end away itself: a stream that its provider cuts after the finish reason is complete, and has no [DONE].
 */
function judgeLostEnd(facts: JoinedFacts, requestId: string, answer: Answer, record: UsageRecord | null): Finding[] {
  if (record?.outcome !== 'complete' || answer.abortedByClient || answer.fault !== null || facts.hits === null)
    return [];
  if (wasHitDuring(facts, answer, record.incarnationId) || facts.unsentEnds.includes(requestId)) return [];
  const detail = 'was paid as complete, its client saw no end, and its gateway was not hit';
  return [{ kind: 'end_lost', id: requestId, detail, differenceNano: record.chargeNano }];
}

/** Requests whose head never arrived are known to their clients without an id: they may explain as many records. */
function judgeStrangers(facts: JoinedFacts, answers: readonly Answer[]): Finding[] {
  const known = new Set(answers.map(({ requestId }) => requestId));
  const strangers = facts.usageRecords.filter(({ requestId }) => !known.has(requestId));
  const headless = answers.filter(({ requestId }) => requestId === null).length;
  return strangers.slice(headless).map((record) => ({
    kind: 'record_without_client',
    id: record.requestId,
    detail: `one of ${strangers.length} records for ${headless} requests whose id no client learned`,
    differenceNano: record.chargeNano,
  }));
}
