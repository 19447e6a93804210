// What must have happened at least once in a campaign that counts, read from the books and from what the clients were told: a run
// in which no cap was reached or no price changed says nothing about caps and prices.
import type { Attempt, Incarnation, Transaction, UsageRecord } from '../oracle/facts.ts';
import type { AnswerLine } from '../support/load-driver/exchange.ts';

export interface Breadth {
  readonly gatewaysAtOnce: number;
  readonly organizations: number;
  readonly apiKeys: number;
  /** Of one model, sold under way. */
  readonly priceVersions: number;
  readonly refusedByKeyCap: number;
  readonly refusedByProjectCap: number;
  readonly refusedForCredit: number;
  readonly expiries: number;
  readonly failovers: number;
  readonly estimates: number;
  readonly cuts: number;
  readonly clientsGone: number;
}

type Sale = Pick<UsageRecord, 'orgId' | 'apiKeyId' | 'modelId' | 'priceVersionId' | 'usageSource' | 'outcome'>;
type Life = Pick<Incarnation, 'startedAtMs' | 'renewedAtMs'>;

interface BreadthBooks {
  readonly usageRecords: readonly Sale[];
  readonly attempts: readonly Pick<Attempt, 'outcome'>[];
  readonly transactions: readonly Pick<Transaction, 'kind'>[];
  readonly incarnations: readonly Life[];
}

export function breadthOf(
  { usageRecords, attempts, transactions, incarnations }: BreadthBooks,
  answers: readonly AnswerLine[],
): Breadth {
  const refused = (words: RegExp) =>
    answers.filter(({ status, errorMessage }) => status >= 400 && words.test(errorMessage ?? '')).length;
  const ended = (outcome: string) => usageRecords.filter((record) => record.outcome === outcome).length;
  return {
    gatewaysAtOnce: mostAtOnce(incarnations),
    organizations: new Set(usageRecords.map(({ orgId }) => orgId)).size,
    apiKeys: new Set(usageRecords.map(({ apiKeyId }) => apiKeyId)).size,
    priceVersions: mostPriceVersions(usageRecords),
    refusedByKeyCap: refused(/cap of the api key/),
    refusedByProjectCap: refused(/cap of the project/),
    refusedForCredit: refused(/the balance is/),
    expiries: transactions.filter(({ kind }) => kind === 'expiry').length,
    failovers: attempts.filter(({ outcome }) => outcome === 'failed_over').length,
    estimates: usageRecords.filter(({ usageSource }) => usageSource === 'estimate').length,
    cuts: ended('cut'),
    clientsGone: ended('client_gone'),
  };
}

/** A gateway is known to have lived from its start to its last sign of life. */
function mostAtOnce(incarnations: readonly Life[]): number {
  return Math.max(
    0,
    ...incarnations.map(
      ({ startedAtMs: atMs }) =>
        incarnations.filter(({ startedAtMs, renewedAtMs }) => startedAtMs <= atMs && atMs <= renewedAtMs).length,
    ),
  );
}

function mostPriceVersions(usageRecords: readonly Sale[]): number {
  const versionsOf = new Map<string, Set<string>>();
  for (const { modelId, priceVersionId } of usageRecords)
    versionsOf.set(modelId, (versionsOf.get(modelId) ?? new Set()).add(priceVersionId));
  return Math.max(0, ...[...versionsOf.values()].map(({ size }) => size));
}
