// What an organization has bought and owes: its plan, its credit, how it pays, what it paid, and every movement of its credit.
import { useQueryClient } from '@tanstack/react-query';
import { useParams, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { meQuery, useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { AutoTopUpPart } from '../parts/auto-top-up-part.tsx';
import { BillingDetailsPart } from '../parts/billing-details-part.tsx';
import { CardsPart } from '../parts/cards-part.tsx';
import { InvoicesPart } from '../parts/invoices-part.tsx';
import { LedgerPart } from '../parts/ledger-part.tsx';
import { PacksPart } from '../parts/packs-part.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { PaymentsPart } from '../parts/payments-part.tsx';
import { PlanPart } from '../parts/plan-part.tsx';
import { maySpend, roleIn, seesMoney } from '../rights.ts';
import { NothingHere } from './trouble.tsx';

export function Billing() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/billing' });
  const { back } = useSearch({ from: '/signed-in/o/$orgId/billing' });
  const role = roleIn(useMe(), orgId);
  useNewsOf(orgId, back === true);
  if (!seesMoney(role)) return <NothingHere />;
  const pays = maySpend(role);
  return (
    <>
      <PageHeading title={t('billing.title')} />
      <PlanPart orgId={orgId} pays={pays} />
      {pays ? <PacksPart orgId={orgId} /> : null}
      <AutoTopUpPart orgId={orgId} pays={pays} />
      {pays ? <CardsPart orgId={orgId} /> : null}
      <InvoicesPart orgId={orgId} />
      <PaymentsPart orgId={orgId} />
      <BillingDetailsPart orgId={orgId} pays={pays} />
      <LedgerPart orgId={orgId} />
    </>
  );
}

const LOOK_AGAIN_MS = 2_000;
const LOOKED_LONG_ENOUGH_MS = 30_000;

/** Whoever comes back from a page of Stripe is a moment ahead of what Stripe tells us. */
function useNewsOf(orgId: string, isBack: boolean): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (!isBack) return;
    const look = () => {
      // What a plan asks of its owners, too.
      for (const queryKey of [['organization', orgId], meQuery.queryKey]) void queries.invalidateQueries({ queryKey });
    };
    const looking = setInterval(look, LOOK_AGAIN_MS);
    const enough = setTimeout(() => clearInterval(looking), LOOKED_LONG_ENOUGH_MS);
    return () => {
      clearInterval(looking);
      clearTimeout(enough);
    };
  }, [queries, orgId, isBack]);
}
