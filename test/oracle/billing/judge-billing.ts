// The verdict on billing at rest. It shares no code with what it judges.
import type { BillingFacts } from './billing-facts.ts';
import type { BillingFinding } from './billing-finding.ts';
import { judgeCharges } from './judge-charges.ts';
import { judgeDeferred } from './judge-deferred.ts';
import { judgePeriods } from './judge-periods.ts';
import { judgeRest } from './judge-rest.ts';
import { judgeStages } from './judge-stages.ts';
import { judgeTaxes } from './judge-taxes.ts';

export function judgeBilling(facts: BillingFacts): BillingFinding[] {
  return [
    ...judgeCharges(facts),
    ...judgeTaxes(facts),
    ...judgeDeferred(facts),
    ...judgePeriods(facts),
    ...judgeStages(facts),
    ...judgeRest(facts),
  ];
}
