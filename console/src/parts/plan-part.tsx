// The plan: what it costs, what of its credit is used, what happens next, and another one.
import { Badge, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { organizationQuery, plansQuery, type Subscription, subscriptionsQuery } from '../api/organization-questions.ts';
import { grantsQuery } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { Dialog } from './dialog.tsx';
import { IncludedCredit } from './included-credit.tsx';
import { useDay } from './moment.tsx';
import { PlanChoice } from './plan-choice.tsx';
import { PlanEnd } from './plan-end.tsx';

interface PlanPart {
  readonly orgId: string;
  /** Whether whoever looks may change it. */
  readonly pays: boolean;
}

export function PlanPart({ orgId, pays }: PlanPart) {
  const t = useWords();
  const organization = useQuery(organizationQuery(orgId));
  const subscriptions = useQuery(subscriptionsQuery(orgId));
  const plan = organization.data?.plan ?? 'none';
  return (
    <section className="part" aria-labelledby="plan">
      <h2 id="plan">
        {t('plan.title')} {organization.data === undefined ? null : <Badge>{t(`plan.name.${plan}`)}</Badge>}
      </h2>
      <Asked question={subscriptions} height={120}>
        {({ data: [latest] }) =>
          latest === undefined || latest.phase === 'ended' ? (
            <NotSubscribed orgId={orgId} pays={pays && plan !== 'enterprise'} plan={plan} />
          ) : (
            <Subscribed orgId={orgId} pays={pays} subscription={latest} />
          )
        }
      </Asked>
    </section>
  );
}

function NotSubscribed({ orgId, pays, plan }: PlanPart & { readonly plan: string }) {
  const t = useWords();
  const [isChoosing, setChoosing] = useState(false);
  return (
    <>
      <p>{plan === 'enterprise' ? t('plan.byContract') : t('plan.noneMore')}</p>
      {pays ? <Button onClick={() => setChoosing(true)}>{t('plan.choose')}</Button> : null}
      <Dialog opened={isChoosing} close={() => setChoosing(false)} title={t('plan.choose')} isWide>
        <PlanChoice orgId={orgId} subscription={null} done={() => setChoosing(false)} />
      </Dialog>
    </>
  );
}

interface Subscribed extends PlanPart {
  readonly subscription: Subscription;
}

function Subscribed({ orgId, pays, subscription }: Subscribed) {
  const t = useWords();
  const grants = useQuery(grantsQuery(orgId));
  const [isChoosing, setChoosing] = useState(false);
  return (
    <>
      <p>
        <Next subscription={subscription} />
      </p>
      <IncludedCredit grants={grants.data?.data ?? []} />
      {pays ? (
        <div className="form-end">
          <Button variant="default" onClick={() => setChoosing(true)}>
            {t('plan.change')}
          </Button>
          <PlanEnd orgId={orgId} subscription={subscription} />
        </div>
      ) : null}
      <Dialog opened={isChoosing} close={() => setChoosing(false)} title={t('plan.change')} isWide>
        <PlanChoice orgId={orgId} subscription={subscription} done={() => setChoosing(false)} />
      </Dialog>
    </>
  );
}

/** What comes when the paid period is over. */
function Next({ subscription }: { readonly subscription: Subscription }) {
  const t = useWords();
  const date = useDay()(subscription.periodEndsAt);
  const { data: plans } = useQuery(plansQuery).data ?? {};
  const { phase, atPeriodEnd, plan, nextPlan } = subscription;
  if (phase === 'paused') return t('plan.paused');
  if (phase === 'past_due') return t('plan.pastDue');
  if (atPeriodEnd === 'cancel') return t('plan.endsOn', { date });
  if (atPeriodEnd === 'pause') return t('plan.pausesOn', { date });
  const next = plans?.find(({ plan: name }) => name === nextPlan);
  return next === undefined || nextPlan === plan
    ? t('plan.renewsOn', { date })
    : t('plan.becomesOn', { date, plan: t(`plan.name.${next.plan === 'team' ? 'team' : 'pro'}`) });
}
