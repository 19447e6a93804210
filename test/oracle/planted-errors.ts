// Whether the oracle sees: seven errors are planted into copies of the facts, one each, and every one must be reported by its id.
// An oracle that misses one, or facts too poor to plant it in, fail the run.
import type { Facts, UsageRecord } from './facts.ts';
import { findingLine } from './finding.ts';
import { frameOf, isRecordPriced } from './frame.ts';
import { judge } from './judge.ts';

export interface Proof {
  readonly error: string;
  readonly reported: boolean;
}

interface PlantedError {
  readonly error: string;
  /** Null: these facts have nothing to plant it in. */
  readonly plant: (facts: Facts) => { readonly facts: Facts; readonly ids: readonly string[] } | null;
}

const PLANTED_ERRORS: readonly PlantedError[] = [
  { error: 'one usage row removed', plant: removeRecord },
  { error: 'one usage row doubled', plant: doubleRecord },
  { error: 'one charge off by 1 nano', plant: overcharge },
  { error: 'two charges swapped', plant: swapCharges },
  { error: 'one ops_loss without an intent', plant: inventLoss },
  { error: 'one lease left open', plant: reopenLease },
  { error: 'one capture that nobody recorded', plant: forgetCapture },
];

export function proveSight(facts: Facts): Proof[] {
  const known = new Set(judge(facts).map(findingLine));
  return PLANTED_ERRORS.map(({ error, plant }) => {
    const planted = plant(facts);
    if (planted === null) return { error, reported: false };
    const news = judge(planted.facts)
      .map(findingLine)
      .filter((line) => !known.has(line));
    return { error, reported: planted.ids.every((id) => news.some((line) => line.includes(id))) };
  });
}

function removeRecord(facts: Facts) {
  const [record] = charged(facts);
  if (record === undefined) return null;
  return { facts: withRecords(facts, (one) => (one === record ? [] : [one])), ids: [record.requestId] };
}

function doubleRecord(facts: Facts) {
  const [record] = charged(facts);
  if (record === undefined) return null;
  return { facts: withRecords(facts, (one) => (one === record ? [one, one] : [one])), ids: [record.requestId] };
}

function overcharge(facts: Facts) {
  const [record] = charged(facts);
  if (record === undefined) return null;
  const dearer = {
    ...record,
    ratedNano: record.ratedNano + 1n,
    dueNano: record.dueNano + 1n,
    chargeNano: record.chargeNano + 1n,
  };
  return { facts: withRecords(facts, (one) => [one === record ? dearer : one]), ids: [record.requestId] };
}

/** Of one lease if possible: then every sum stays as it was. */
function swapCharges(facts: Facts) {
  const records = charged(facts);
  const [first] = records;
  const differing = records.filter(({ chargeNano }) => chargeNano !== first?.chargeNano);
  const second = differing.find(({ leaseId }) => leaseId === first?.leaseId) ?? differing[0];
  if (first === undefined || second === undefined) return null;
  const swap = (to: UsageRecord, from: UsageRecord) => ({
    ...to,
    ratedNano: from.ratedNano,
    dueNano: from.dueNano,
    chargeNano: from.chargeNano,
  });
  const swapped = withRecords(facts, (one) => {
    if (one === first) return [swap(first, second)];
    return [one === second ? swap(second, first) : one];
  });
  return { facts: swapped, ids: [first.requestId, second.requestId] };
}

function forgetCapture(facts: Facts) {
  const captures = new Map(facts.captures).set('pi_forgotten', { capturedCents: 1, refundedCents: 0 });
  return { facts: { ...facts, captures }, ids: ['pi_forgotten'] };
}

function inventLoss(facts: Facts) {
  const requestId = '00000000-0000-7000-8000-000000000000';
  const loss = { requestId, n: 1, reason: 'orphaned', amountNano: 1n, transactionId: 0n };
  return { facts: { ...facts, losses: [...facts.losses, loss] }, ids: [`${requestId}.1`] };
}

/** As if the caretaker had closed a gateway and forgotten this lease. */
function reopenLease(facts: Facts) {
  const lease = facts.leases.find(({ closed }) => closed);
  if (lease === undefined) return null;
  const leases = facts.leases.map((one) => (one === lease ? { ...lease, closed: false } : one));
  const incarnations = facts.incarnations.map((one) =>
    one.id === lease.incarnationId ? { ...one, closed: true } : one,
  );
  return { facts: { ...facts, leases, incarnations }, ids: [lease.id] };
}

function charged(facts: Facts): UsageRecord[] {
  const frame = frameOf(facts);
  const paid = facts.usageRecords.filter(({ chargeNano, ratedNano }) => chargeNano > 0n && chargeNano === ratedNano);
  return paid.filter((record) => isRecordPriced(frame, record));
}

function withRecords(facts: Facts, replace: (record: UsageRecord) => UsageRecord[]): Facts {
  return { ...facts, usageRecords: facts.usageRecords.flatMap(replace) };
}
