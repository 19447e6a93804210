// The whole verdict: a pure function of the facts, so that planted errors can prove that it sees (planted-errors.ts).
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';
import { frameOf } from './frame.ts';
import { attemptId, joined } from './joined-facts.ts';
import { judgeAttempts } from './judge-attempts.ts';
import { judgeBurning } from './judge-burning.ts';
import { judgeCaps } from './judge-caps.ts';
import { judgeClients } from './judge-clients.ts';
import { isQuiet, judgeCredit } from './judge-credit.ts';
import { judgeLedger } from './judge-ledger.ts';
import { isEveryCaptureKnown, judgePayments } from './judge-payments.ts';
import { judgePlanRates } from './judge-plan-rates.ts';
import { judgeRecords } from './judge-records.ts';

export function judge(facts: Facts): Finding[] {
  const known = joined(facts);
  return [
    ...judgeRecords(known),
    ...judgeClients(known),
    ...judgeAttempts(known),
    ...judgeLedger(known),
    ...judgePayments(known),
    ...judgeCredit(known),
    ...judgeBurning(known),
    ...judgePlanRates(known),
    ...judgeCaps(known),
  ];
}

/** Nothing is under way any more: a judgement made earlier would call unfinished work an error. */
export function isSettled(facts: Facts): boolean {
  const knownAttempts = new Set(facts.attempts.map(attemptId));
  const frame = frameOf(facts);
  return (
    isQuiet(facts) &&
    facts.incarnations.every(({ fencedAtMs, closed }) => fencedAtMs === null || closed) &&
    facts.attempts.every(({ costNano, channelId }) => costNano !== null || !frame.isMetered(channelId)) &&
    facts.unmatchedExports.length === 0 &&
    isEveryCaptureKnown(facts) &&
    [...facts.meter].every(([id, { ended }]) => !frame.isOurs(id) || (ended && knownAttempts.has(id)))
  );
}
