// How it stands: what can be spent, how long it will last, what was asked last.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { balanceQuery, burnQuery, grantsQuery, requestsQuery, useMe } from '../api/questions.ts';
import { burnPerDay, daysLeft } from '../burn-rate.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { GrantTable } from '../parts/grant-table.tsx';
import { Money } from '../parts/money.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { RequestTable } from '../parts/request-table.tsx';

const FAR_OFF_DAYS = 365;

export function Overview() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/' });
  const grants = useQuery(grantsQuery(orgId));
  const requests = useQuery(requestsQuery(orgId));
  return (
    <>
      <PageHeading title={t('overview.title')} />
      <Figures orgId={orgId} />
      <section className="part" aria-labelledby="credit">
        <h2 id="credit">{t('overview.credit')}</h2>
        <Asked question={grants} height={120}>
          {({ data }) => <GrantTable orgId={orgId} grants={data} />}
        </Asked>
      </section>
      <section className="part" aria-labelledby="requests">
        <h2 id="requests">{t('overview.requests')}</h2>
        <Asked question={requests} height={220}>
          {({ data }) =>
            data.length > 0 ? (
              <RequestTable requests={data} />
            ) : (
              <NothingYet
                title={t('overview.noRequests')}
                action={
                  <Button renderRoot={(props) => <Link to="/o/$orgId/start" params={{ orgId }} {...props} />}>
                    {t('overview.makeFirst')}
                  </Button>
                }
              >
                {t('overview.noRequestsMore')}
              </NothingYet>
            )
          }
        </Asked>
      </section>
    </>
  );
}

function Figures({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const balance = useQuery(balanceQuery(orgId));
  // A developer is told of his own requests alone: how long the credit of all lasts does not follow from them.
  const seesAll = !useMe().memberships.some((one) => one.orgId === orgId && one.role === 'developer');
  return (
    <dl className="figures">
      <div>
        <dt>{t('overview.available')}</dt>
        <dd>
          <Asked question={balance} height={31}>
            {({ balanceNano, reservedNano }) => (
              <>
                <Money nano={balanceNano} />{' '}
                {BigInt(reservedNano) === 0n ? null : (
                  <span className="figure-note">
                    {t('overview.reserved')} <Money nano={reservedNano} />
                  </span>
                )}
              </>
            )}
          </Asked>
        </dd>
      </div>
      {seesAll ? <Burn orgId={orgId} balanceNano={balance.data?.balanceNano ?? '0'} /> : null}
    </dl>
  );
}

function Burn({ orgId, balanceNano }: { readonly orgId: string; readonly balanceNano: string }) {
  const t = useWords();
  const latest = useQuery(burnQuery(orgId));
  return (
    <>
      <div>
        <dt>{t('overview.perDay')}</dt>
        <dd>
          <Asked question={latest} height={31}>
            {(answer) => <Money nano={burnPerDay(answer, latest.dataUpdatedAt)} />}
          </Asked>
        </dd>
      </div>
      <div>
        <dt>{t('overview.lasts')}</dt>
        <dd>
          <Asked question={latest} height={31}>
            {(answer) => <Lasts days={daysLeft(balanceNano, burnPerDay(answer, latest.dataUpdatedAt))} />}
          </Asked>
        </dd>
      </div>
    </>
  );
}

function Lasts({ days }: { readonly days: number | null }) {
  const t = useWords();
  if (days === null) return <span className="figure-note">{t('overview.unknown')}</span>;
  return days > FAR_OFF_DAYS ? t('overview.overYear') : t('overview.days', { count: days });
}
