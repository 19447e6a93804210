// The ledger: every transaction sums to zero, what customers were debited is what their records say, and what we owe providers
// is what they metered.
import type { Entry, Transaction } from './facts.ts';
import { distance, type Finding, unequal } from './finding.ts';
import { isAttemptJudged } from './frame.ts';
import { attemptId, grouped, type JoinedFacts, sumOf, totals } from './joined-facts.ts';
import { meteredNano } from './metered-cost.ts';

const CUSTOMER_ACCOUNTS = new Set(['held', 'credit', 'overdraft']);
const CHARGING_KINDS = new Set(['settlement', 'beyond_lease']);

export function judgeLedger(facts: JoinedFacts): Finding[] {
  return [
    ...facts.transactions.flatMap((transaction) => judgeBalance(facts, transaction)),
    ...judgeStrayEntries(facts),
    ...judgeDebits(facts),
    ...judgeDebitsByOrganization(facts),
    ...judgeLossPostings(facts),
    ...judgeUpstreamAccounts(facts),
    ...judgeOverdrafts(facts),
  ];
}

function judgeBalance(facts: JoinedFacts, { id, kind }: Transaction): Finding[] {
  const entries = facts.entriesOf.get(id) ?? [];
  const total = sumOf(entries, amountOf);
  if (total === 0n && entries.length >= 2) return [];
  const detail = `${kind} has ${entries.length} entries that sum to ${total}`;
  return [{ kind: 'transaction_unbalanced', id: String(id), detail, differenceNano: distance(total, 0n) }];
}

function judgeStrayEntries(facts: JoinedFacts): Finding[] {
  const known = new Set(facts.transactions.map(({ id }) => id));
  const strays = [...facts.entriesOf].filter(([id]) => !known.has(id));
  return strays.map(([id, entries]) => ({
    kind: 'transaction_unbalanced',
    id: String(id),
    detail: `${entries.length} entries of no transaction`,
    differenceNano: sumOf(entries, ({ amountNano }) => distance(amountNano, 0n)),
  }));
}

/** Transaction by transaction, and there lease by lease: what was taken is the sum of the charges that name it. */
function judgeDebits(facts: JoinedFacts): Finding[] {
  const charged = facts.usageRecords.filter(({ chargeNano }) => chargeNano > 0n);
  const charges = totals(
    charged,
    ({ transactionId }) => transactionId,
    ({ chargeNano }) => chargeNano,
  );
  const charging = new Set(facts.transactions.filter(({ kind }) => CHARGING_KINDS.has(kind)).map(({ id }) => id));
  const debits = totals(customerEntries(facts), ({ transactionId }) => transactionId, amountOf);
  const ids = new Set([...charges.keys(), ...charging]);
  const onLeases = facts.entries.filter(
    ({ account, transactionId }) => account === 'held' && charging.has(transactionId),
  );
  const perLease = totals(onLeases, ({ leaseId }) => leaseId, amountOf);
  return [
    ...[...ids].flatMap((id) =>
      unequal(
        'debits_differ',
        `transaction ${id}`,
        'debit',
        id === null ? 0n : (debits.get(id) ?? 0n),
        charges.get(id) ?? 0n,
      ),
    ),
    ...facts.leases.flatMap(({ id, consumedNano }) =>
      unequal('debits_differ', `lease ${id}`, 'debit', perLease.get(id) ?? 0n, consumedNano),
    ),
  ];
}

function judgeDebitsByOrganization(facts: JoinedFacts): Finding[] {
  const charges = totals(
    facts.usageRecords,
    ({ orgId }) => orgId,
    ({ chargeNano }) => chargeNano,
  );
  const debits = totals(customerEntries(facts), ({ orgId }) => orgId, amountOf);
  const ids = new Set([...charges.keys(), ...debits.keys()]);
  return [...ids].flatMap((id) =>
    unequal(
      'debits_differ',
      `organization ${id}`,
      'debit',
      debits.get(id) ?? 0n,
      id === null ? 0n : (charges.get(id) ?? 0n),
    ),
  );
}

function customerEntries(facts: JoinedFacts): Entry[] {
  const charging = facts.transactions.filter(({ kind }) => CHARGING_KINDS.has(kind));
  const entries = charging.flatMap(({ id }) => facts.entriesOf.get(id) ?? []);
  return entries.filter(({ account }) => CUSTOMER_ACCOUNTS.has(account));
}

/** Every loss is a posting, and every posting to ops_loss has its reason. */
function judgeLossPostings(facts: JoinedFacts): Finding[] {
  const posted = totals(
    facts.entries.filter(({ account }) => account === 'ops_loss'),
    ({ transactionId }) => transactionId,
    amountOf,
  );
  const explained = grouped(facts.losses, ({ transactionId }) => transactionId);
  const ids = new Set([...posted.keys(), ...explained.keys()]);
  return [...ids].flatMap((id) => {
    const losses = explained.get(id) ?? [];
    const about = losses.map(attemptId).join(' ');
    return unequal(
      'loss_not_posted',
      `transaction ${id} ${about}`,
      'ops_loss',
      posted.get(id) ?? 0n,
      sumOf(losses, amountOf),
    );
  });
}

function judgeUpstreamAccounts(facts: JoinedFacts): Finding[] {
  const known = facts.attempts.filter(({ costNano }) => costNano !== null);
  const metered = totals(
    known,
    ({ channelId }) => channelId,
    (attempt) => meteredNano(facts, attemptId(attempt), attempt),
  );
  const lost = totals(
    known,
    ({ channelId }) => channelId,
    (attempt) => sumOf(facts.lossesOf.get(attemptId(attempt)) ?? [], amountOf),
  );
  const foreign = new Set(
    known.filter((attempt) => !isAttemptJudged(facts.frame, attempt)).map(({ channelId }) => channelId),
  );
  const judged = [...metered].filter(([channelId]) => !foreign.has(channelId));
  return judged.flatMap(([channelId, total]) => [
    ...unequal(
      'upstream_account_differs',
      channelId,
      'upstream_cost',
      onChannel(facts, 'upstream_cost', channelId),
      total - (lost.get(channelId) ?? 0n),
    ),
    ...unequal(
      'upstream_account_differs',
      channelId,
      'upstream_payable',
      onChannel(facts, 'upstream_payable', channelId),
      -total,
    ),
  ]);
}

function onChannel(facts: JoinedFacts, account: string, channelId: string): bigint {
  return sumOf(
    facts.entries.filter((entry) => entry.account === account && entry.channelId === channelId),
    amountOf,
  );
}

function judgeOverdrafts(facts: JoinedFacts): Finding[] {
  return facts.organizations.flatMap(({ id, overdraftNano, overdraftFloorNano }) => {
    const owed = facts.entries.filter(({ account, orgId }) => account === 'overdraft' && orgId === id);
    const tooDeep = overdraftNano > overdraftFloorNano ? overdraftFloorNano : overdraftNano;
    return [
      ...unequal('overdraft_differs', id, 'overdraft', overdraftNano, sumOf(owed, amountOf)),
      ...unequal('overdraft_differs', id, 'overdraft (floor)', overdraftNano, tooDeep),
    ];
  });
}

function amountOf({ amountNano }: { readonly amountNano: bigint }): bigint {
  return amountNano;
}
