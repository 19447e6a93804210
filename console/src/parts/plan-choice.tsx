// Which plan, by the month or by the year, and what that costs now: told before the click, by the API, to the cent.
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import {
  type Plan,
  planChangeQuery,
  plansQuery,
  type Subscription,
  type WantedPlan,
} from '../api/organization-questions.ts';
import { meQuery } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { Asked } from './asked.tsx';
import { useElsewhere } from './elsewhere.ts';
import { useDay } from './moment.tsx';
import { Money } from './money.tsx';
import { ProblemNote } from './problem-note.tsx';

interface PlanChoice {
  readonly orgId: string;
  /** Null: there is none, and the first period is bought. */
  readonly subscription: Subscription | null;
  done(): void;
}

const SOLD = ['pro', 'team'] as const;
const MONTHS = [1, 12] as const;

export function PlanChoice({ orgId, subscription, done }: PlanChoice) {
  const question = useQuery(plansQuery);
  const [wanted, setWanted] = useState<WantedPlan | null>(null);
  return (
    <Asked question={question} height={240}>
      {({ data }) => (
        <>
          <Offers plans={onSale(data)} current={subscription} wanted={wanted} choose={setWanted} />
          {wanted === null ? null : subscription === null ? (
            <FirstPeriod orgId={orgId} wanted={wanted} />
          ) : (
            <Change key={`${wanted.plan} ${wanted.months}`} {...{ orgId, wanted, done }} subscription={subscription} />
          )}
        </>
      )}
    </Asked>
  );
}

type Offer = Plan & { readonly plan: WantedPlan['plan'] };

/** Of each plan the latest version that is in force; old ones go on for who has them. */
function onSale(plans: readonly Plan[]): Offer[] {
  const now = Date.now();
  return SOLD.flatMap((name) => {
    const sold = plans.filter((one): one is Offer => one.plan === name && Date.parse(one.effectiveAt) <= now);
    return sold.slice(-1);
  });
}

interface Offers {
  readonly plans: readonly Offer[];
  readonly current: Subscription | null;
  readonly wanted: WantedPlan | null;
  choose(wanted: WantedPlan): void;
}

function Offers({ plans, current, wanted, choose }: Offers) {
  const t = useWords();
  const offers = plans.flatMap((plan) => MONTHS.map((months) => ({ plan, months })));
  return (
    <fieldset className="choices">
      <legend className="only-heard">{t('plan.choose')}</legend>
      {offers
        .filter(({ plan, months }) => plan.plan !== current?.plan || months !== current.months)
        .map(({ plan, months }) => (
          <label key={`${plan.plan} ${months}`} className="choice">
            <input
              type="radio"
              name="plan"
              checked={wanted?.plan === plan.plan && wanted.months === months}
              onChange={() => choose({ plan: plan.plan, months })}
            />
            <span className="choice-name">
              {t(`plan.name.${plan.plan}`)}, {t(`plan.by.${months}`)}
            </span>
            <span className="choice-price">
              <Money nano={nanoOfCents(months === 12 ? plan.yearlyCents : plan.monthlyCents)} />
            </span>
            <span className="quiet">
              <Money nano={nanoOfCents(plan.monthlyCreditCents)} /> {t('plan.creditAMonth')}
              {plan.seats === null ? null : ` · ${t('plan.seats', { count: plan.seats })}`}
            </span>
          </label>
        ))}
    </fieldset>
  );
}

function FirstPeriod({ orgId, wanted }: { readonly orgId: string; readonly wanted: WantedPlan }) {
  const t = useWords();
  const buy = useElsewhere(() =>
    told(
      api.POST('/api/v1/organizations/{orgId}/subscription-checkouts', {
        params: { path: { orgId } },
        body: wanted,
      }),
    ),
  );
  return (
    <div className="form">
      <p className="quiet">{t('plan.taxMore')}</p>
      <ProblemNote thrown={buy.error} />
      <div className="form-end">
        <Button loading={buy.isPending} onClick={() => buy.mutate(undefined)}>
          {t('plan.pay')}
        </Button>
      </div>
    </div>
  );
}

interface Change {
  readonly orgId: string;
  readonly subscription: Subscription;
  readonly wanted: WantedPlan;
  done(): void;
}

function Change({ orgId, subscription, wanted, done }: Change) {
  const t = useWords();
  const day = useDay();
  const preview = useQuery(planChangeQuery(orgId, subscription, wanted));
  const { change, outcome } = useChange(orgId, subscription, wanted, done);
  return (
    <div className="form" aria-live="polite">
      <Asked question={preview} height={72}>
        {({ amountCents, taxCents, takesEffect }) => (
          <>
            <p>
              {takesEffect === 'now' ? t('plan.costsNow') : t('plan.later', { date: day(subscription.periodEndsAt) })}{' '}
              {takesEffect === 'now' ? <Money nano={nanoOfCents(amountCents)} /> : null}
            </p>
            {taxCents > 0 ? (
              <p className="quiet">
                {t('plan.taxOf')} <Money nano={nanoOfCents(taxCents)} />
              </p>
            ) : null}
            <ProblemNote thrown={change.error} />
            {outcome === null ? null : <p role="alert">{t(`plan.outcome.${outcome}`)}</p>}
            <div className="form-end">
              <Button loading={change.isPending} onClick={() => change.mutate()}>
                {takesEffect === 'now' ? t('plan.payAndChange') : t('plan.changeLater')}
              </Button>
            </div>
          </>
        )}
      </Asked>
    </div>
  );
}

function useChange(orgId: string, { id, version }: Subscription, wanted: WantedPlan, done: () => void) {
  const queries = useQueryClient();
  const [outcome, setOutcome] = useState<'declined' | 'pending' | 'dropped' | null>(null);
  const change = useMutation({
    mutationFn: () => {
      const params = { path: { id }, header: { 'If-Match': `"${version}"` } };
      const body = { ...wanted, reason: 'chosen by the customer' };
      return told(api.POST('/api/v1/subscriptions/{id}/plan-changes', { params, body }));
    },
    onSuccess: async ({ outcome: what, payUrl }) => {
      // His bank wants to see him, where he confirms it on our page.
      if (what === 'needs_authentication' && payUrl !== null) return location.assign(payUrl);
      await Promise.all(
        [['organization', orgId], meQuery.queryKey].map((queryKey) => queries.invalidateQueries({ queryKey })),
      );
      if (what === 'changed' || what === 'at_period_end') return done();
      setOutcome(what === 'needs_authentication' ? 'declined' : what);
    },
  });
  return { change, outcome };
}
