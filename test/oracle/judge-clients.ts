// What the clients saw against what was charged: an end that was seen has its record, content that was seen is paid for, a
// promise that nothing is charged holds, and nobody is charged who did not call.
import type { Answer, UsageRecord } from './facts.ts';
import { distance, type Finding, unequal } from './finding.ts';
import { wasHitDuring, wasProviderHitDuring } from './hits.ts';
import type { JoinedFacts } from './joined-facts.ts';
import { unbilled } from './metered-cost.ts';
import { amountNano, BYTES_PER_TOKEN, priceInForce } from './price-table.ts';

/** In an error, also in one that ends a stream: then it must be so, whatever was killed meanwhile. */
const PROMISE = /nothing (is|was) charged(?! for)/i;
/** Faults that take the usage away: it is not sent, or the end is cut off that would have carried it. */
const TAKES_USAGE_AWAY = /(^|,)(no-usage|null-usage|wrong-length|(cut|end|stall)=)/;

export function judgeClients(facts: JoinedFacts): Finding[] {
  const { answers } = facts;
  if (answers === null) return [];
  return [...answers.flatMap((answer) => judgeAnswer(facts, answer)), ...judgeStrangers(facts, answers)];
}

function judgeAnswer(facts: JoinedFacts, answer: Answer): Finding[] {
  const { requestId } = answer;
  if (requestId === null) return [];
  const record = facts.recordsOf.get(requestId)?.[0] ?? null;
  if (answer.status >= 400 || PROMISE.test(answer.errorMessage ?? '')) return judgeError(requestId, answer, record);
  return [
    ...(answer.terminatorSeen
      ? judgeEnd(facts, requestId, answer, record)
      : judgeLostEnd(facts, requestId, answer, record)),
    ...(record?.usageSource === 'estimate' ? judgeEstimate(facts, answer, record) : []),
  ];
}

function judgeError(requestId: string, answer: Answer, record: UsageRecord | null): Finding[] {
  if (record === null || record.chargeNano === 0n) return [];
  const detail = `the client got ${answer.status} ${answer.errorCode} (${answer.errorMessage}) and was charged`;
  return [{ kind: 'charged_for_error', id: requestId, detail, differenceNano: record.chargeNano }];
}

/** An answer whose usage nobody can believe is given away until a person has looked (gateways.md T7): only for such a lie. */
function judgeEnd(facts: JoinedFacts, requestId: string, answer: Answer, record: UsageRecord | null): Finding[] {
  if (record?.outcome === 'complete' || isLie(answer, record)) return [];
  const detail = `the client saw the end, the record is ${record?.outcome ?? 'missing'}`;
  return [{ kind: 'record_missing', id: requestId, detail, differenceNano: unbilled(facts, requestId) }];
}

function isLie({ fault }: Answer, record: UsageRecord | null): boolean {
  return record?.outcome === 'quarantined' && (fault?.includes('absurd-usage') ?? false);
}

function judgeLostEnd(facts: JoinedFacts, requestId: string, answer: Answer, record: UsageRecord | null): Finding[] {
  if (record?.outcome === 'complete') return judgePaidEnd(facts, answer, record);
  const isFree = record === null || (record.usageSource === 'none' && !isLie(answer, record));
  if (answer.contentBytes === 0 || !isFree || facts.hits === null) return [];
  // Whoever dies with an answer has given it away; whoever settles one does not.
  if (record === null && wasHitDuring(facts, answer, null)) return [];
  const detail = `the client saw ${answer.contentBytes} bytes of content, the record is ${record?.outcome ?? 'missing'} and costs nothing`;
  return [{ kind: 'given_away', id: requestId, detail, differenceNano: unbilled(facts, requestId) }];
}

/**
 * A complete record whose client waited in vain: only when its gateway fell, or said itself that the end was not sent. A fault
 * may take the end away itself: a stream that its provider cuts after the finish reason is complete, and has no [DONE].
 */
function judgePaidEnd(facts: JoinedFacts, answer: Answer, record: UsageRecord): Finding[] {
  if (answer.abortedByClient || answer.fault !== null || facts.hits === null) return [];
  if (wasHitDuring(facts, answer, record.incarnationId) || facts.unsentEnds.includes(record.requestId)) return [];
  const detail = 'was paid as complete, its client saw no end, and its gateway was not hit';
  return [{ kind: 'end_lost', id: record.requestId, detail, differenceNano: record.chargeNano }];
}

/** An estimate is a pure function of the bytes of the prompt and of the bytes that the client was given. */
function judgeEstimate(facts: JoinedFacts, answer: Answer, record: UsageRecord): Finding[] {
  const bytesPerToken = BYTES_PER_TOKEN[record.modelId] ?? 1;
  const input = Math.floor(answer.promptBytes / bytesPerToken);
  const price = priceInForce(facts.prices, record.modelId, 'selling', record.admittedAtMs);
  const expected = price === null ? 0n : amountNano(price, { ...record.meters, input });
  const seen = BigInt(answer.contentBytes);
  // What was under way when the connection broke was delivered and not seen.
  const delivered = !answer.terminatorSeen && record.deliveredBytes > seen ? record.deliveredBytes : seen;
  return [
    ...unequal('estimate_wrong', record.requestId, `rated (${input} input tokens)`, record.ratedNano, expected),
    ...unequal('estimate_wrong', record.requestId, 'delivered', record.deliveredBytes, delivered),
    ...judgeNeed(facts, answer, record),
  ];
}

/** A provider that said what it served is charged by its word: an estimate of a complete answer needs a reason. */
function judgeNeed(facts: JoinedFacts, answer: Answer, record: UsageRecord): Finding[] {
  const isExplained = answer.abortedByClient || TAKES_USAGE_AWAY.test(answer.fault ?? '');
  if (record.outcome !== 'complete' || isExplained || facts.hits === null) return [];
  if (wasProviderHitDuring(facts, answer) || wasHitDuring(facts, answer, record.incarnationId)) return [];
  const detail = `is complete and estimated, though its provider sent usage (fault ${answer.fault ?? 'none'})`;
  const differenceNano = distance(record.ratedNano, unbilled(facts, record.requestId));
  return [{ kind: 'estimate_unexplained', id: record.requestId, detail, differenceNano }];
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
