// On every page of an organization that owes: what for, what that restricts, what comes when, and the one thing that ends it.
import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type OverdueInvoice, organizationQuery, overdueQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { roleIn, seesMoney } from '../rights.ts';
import { WarningIcon } from './icons.tsx';
import { useDay } from './moment.tsx';
import { Money } from './money.tsx';

export function OverdueBanner({ orgId }: { readonly orgId: string }) {
  return seesMoney(roleIn(useMe(), orgId)) ? <OwedBanner orgId={orgId} /> : <RestrictedBanner orgId={orgId} />;
}

/** Of several the one that restricts most: the others are on the page of billing. */
function OwedBanner({ orgId }: { readonly orgId: string }) {
  const question = useQuery(overdueQuery(orgId));
  const [worst] = [...(question.data?.data ?? [])].sort((a, b) => severity(b) - severity(a));
  return worst === undefined ? null : <Owed owed={worst} />;
}

function severity({ stage }: OverdueInvoice): number {
  return ['none', 'limited', 'stopped'].indexOf(stage);
}

function Owed({ owed }: { readonly owed: OverdueInvoice }) {
  const t = useWords();
  const day = useDay();
  const { invoice, remainingCents, policy, stage, ahead } = owed;
  const [next] = ahead;
  return (
    <Alert
      className="overdue"
      color={stage === 'none' ? 'yellow' : 'red'}
      icon={<WarningIcon />}
      title={t(`overdue.title.${stage}`)}
    >
      <div className="problem">
        <p>
          {t(`overdue.what.${policy}`, { date: day(invoice.dueAt) })} <Money nano={nanoOfCents(remainingCents)} />
        </p>
        {stage === 'none' ? null : <p>{t(`overdue.effect.${stage}`)}</p>}
        {next === undefined ? null : <p>{t(`overdue.next.${next.what}`, { date: day(next.at) })}</p>}
        {invoice.payUrl === null ? null : (
          <Button component="a" href={invoice.payUrl} color={stage === 'none' ? 'teal' : 'red'}>
            {t('overdue.pay')}
          </Button>
        )}
      </div>
    </Alert>
  );
}

/** Whoever sees no money is told why his requests are refused, and whom to ask. */
function RestrictedBanner({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const stage = useQuery(organizationQuery(orgId)).data?.overdueStage ?? 'none';
  if (stage === 'none') return null;
  return (
    <Alert className="overdue" color="red" icon={<WarningIcon />} title={t(`overdue.title.${stage}`)}>
      <p>
        {t(`overdue.effect.${stage}`)} {t('overdue.ask')}
      </p>
    </Alert>
  );
}
