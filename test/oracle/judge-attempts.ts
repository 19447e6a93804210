// Every attempt that the provider metered, in cost prices: meter = cost on records + ops_loss, attempt by attempt. It is paid by
// the record it won, or it is our loss; both only where a record paid an estimate and the rest is ours.
import type { Answer, Attempt, UsageRecord } from './facts.ts';
import { distance, type Finding, unequal } from './finding.ts';
import { isAttemptJudged } from './frame.ts';
import { wasHitDuring } from './hits.ts';
import { attemptId, type JoinedFacts, sumOf } from './joined-facts.ts';
import { costPrice, meteredNano } from './metered-cost.ts';
import { amountNano } from './price-table.ts';

export function judgeAttempts(facts: JoinedFacts): Finding[] {
  const metered = [...facts.meter.keys()].filter((id) => facts.frame.isOurs(id));
  const ids = new Set([...metered, ...facts.lossesOf.keys(), ...facts.attemptOf.keys()]);
  const answerOf = new Map((facts.answers ?? []).map((answer) => [answer.requestId, answer]));
  const headless = (facts.answers ?? []).filter(({ requestId }) => requestId === null);
  return [
    ...[...ids].flatMap((id) => judgeAttempt(facts, id)),
    ...facts.attempts.flatMap((attempt) => judgeOrphan(facts, attempt, answerOf.get(attempt.requestId), headless)),
    ...facts.usageRecords.flatMap((record) => judgeWinner(facts, record)),
    ...facts.unmatchedExports.map((id) =>
      finding('attempt_unclaimed', id, 'is exported and matched with no attempt', 0n),
    ),
  ];
}

function judgeAttempt(facts: JoinedFacts, id: string): Finding[] {
  const attempt = facts.attemptOf.get(id);
  const lossNano = sumOf(facts.lossesOf.get(id) ?? [], ({ amountNano }) => amountNano);
  if (attempt === undefined) return judgeUnknown(facts, id, lossNano);
  if (!isAttemptJudged(facts.frame, attempt)) return [];
  if (attempt.costNano === null)
    return [finding('attempt_cost_unknown', id, 'has no cost', meteredNano(facts, id, attempt))];

  const metered = meteredNano(facts, id, attempt);
  const record = facts.recordsOf.get(attempt.requestId)?.find(({ winner }) => winner === attempt.n);
  const recorded = metered - lossNano;
  return [
    ...judgeEmpty(facts, attempt, metered),
    ...judgeShare(facts, attempt, record, metered, recorded),
    ...(attempt.costNano === recorded
      ? []
      : unequal('attempt_cost_differs', id, `cost (loss ${lossNano})`, attempt.costNano, metered)),
  ];
}

/** An answer that is called empty costs its customer nothing: it must have been. */
function judgeEmpty(facts: JoinedFacts, attempt: Attempt, metered: bigint): Finding[] {
  const id = attemptId(attempt);
  const { output = 0, reasoning = 0 } = facts.meter.get(id)?.usage ?? {};
  if (attempt.outcome !== 'empty' || output + reasoning === 0) return [];
  return [finding('given_away', id, `is called empty, its provider made ${output + reasoning} tokens`, metered)];
}

function judgeUnknown(facts: JoinedFacts, id: string, lossNano: bigint): Finding[] {
  const found: Finding[] = [];
  if (facts.meter.has(id))
    found.push(finding('attempt_unclaimed', id, 'metered, but never meant', meteredNano(facts, id, null)));
  if (facts.lossesOf.has(id))
    found.push(finding('loss_without_intent', id, `a loss of ${lossNano}`, distance(lossNano, 0n)));
  return found;
}

/** @param recorded what records must carry of the metered cost when the losses are as they are */
function judgeShare(
  facts: JoinedFacts,
  attempt: Attempt,
  record: UsageRecord | undefined,
  metered: bigint,
  recorded: bigint,
): Finding[] {
  const id = attemptId(attempt);
  const price = costPrice(facts, attempt);
  if (record === undefined || record.chargeNano === 0n || price === null)
    return judgeUnpaid(attempt, record, metered, recorded);
  const share = amountNano(price, record.meters);
  if (recorded === share) return [];
  const kind = recorded === 0n ? 'attempt_paid_twice' : 'attempt_cost_differs';
  const detail = `metered ${metered}, the record carries ${share}, losses ${metered - recorded}`;
  return [finding(kind, id, detail, distance(recorded, share))];
}

/** Nobody paid it: all of it is a loss, or its cost was known when its request was settled (an empty answer). */
function judgeUnpaid(attempt: Attempt, record: UsageRecord | undefined, metered: bigint, recorded: bigint): Finding[] {
  const id = attemptId(attempt);
  if (recorded === 0n) return [];
  if (recorded !== metered)
    return [finding('attempt_cost_differs', id, `metered ${metered}, lost ${metered - recorded}`, recorded)];
  if (record !== undefined) return [];
  return [finding('attempt_unaccounted', id, `${attempt.outcome}, metered ${metered}, neither paid nor lost`, metered)];
}

function judgeWinner(facts: JoinedFacts, { requestId, winner, chargeNano }: UsageRecord): Finding[] {
  if (winner === null && chargeNano === 0n) return [];
  const attempt = facts.attemptOf.get(`${requestId}.${winner}`);
  if (attempt === undefined)
    return [finding('attempt_missing', `${requestId}.${winner}`, 'won, and is not there', chargeNano)];
  if (costPrice(facts, attempt) !== null || !isAttemptJudged(facts.frame, attempt)) return [];
  return [finding('price_version_wrong', attemptId(attempt), `cost version ${attempt.costVersionId}`, 0n)];
}

/** Only a request whose client saw no end and whose own gateway fell meanwhile may leave an attempt without an outcome. */
function judgeOrphan(
  facts: JoinedFacts,
  attempt: Attempt,
  answer: Answer | undefined,
  headless: readonly Answer[],
): Finding[] {
  if (attempt.outcome !== 'orphaned' || facts.answers === null) return [];
  const id = attemptId(attempt);
  if (answer?.terminatorSeen && answer.status < 400)
    return [finding('orphan_unexplained', id, 'its client saw the end', 0n)];
  const candidates =
    answer === undefined ? headless.filter((candidate) => isDuring(candidate, attempt.sentAtMs)) : [answer];
  const { incarnationId } = attempt;
  const wasHit = candidates.some((one) => incarnationId !== null && wasHitDuring(facts, one, incarnationId));
  if (facts.hits === null || wasHit) return [];
  return [
    finding('orphan_unexplained', id, `its gateway ${incarnationId} was not killed, paused or fenced meanwhile`, 0n),
  ];
}

/** The product's clock is PostgreSQL's, the client's its own: the same machine's, but read at different moments. */
function isDuring({ atMs, durationMs }: Answer, momentMs: number): boolean {
  return momentMs >= atMs - 1_000 && momentMs <= atMs + durationMs + 1_000;
}

function finding(kind: Finding['kind'], id: string, detail: string, differenceNano: bigint): Finding {
  return { kind, id, detail, differenceNano };
}
