// All that our staff needs to answer one customer: how he stands, what waits, what he owes, who he is, what happened to him, and what can be done.
import { Badge, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type Organization, organizationQuery } from '../api/organization-questions.ts';
import { Problem } from '../api/problem.ts';
import { balanceQuery } from '../api/questions.ts';
import { contractQuery, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { nanoOfCents } from '../money.ts';
import { Asked } from '../parts/asked.tsx';
import { CustomerInvoices } from '../parts/customer-invoices.tsx';
import { CustomerPayments } from '../parts/customer-payments.tsx';
import { CustomerKeys, CustomerMembers } from '../parts/customer-people.tsx';
import { CustomerProposals } from '../parts/customer-proposals.tsx';
import { CustomerSubAccounts } from '../parts/customer-sub-accounts.tsx';
import { GiveCredit } from '../parts/give-credit.tsx';
import { MailDomains } from '../parts/mail-domains.tsx';
import { Moment } from '../parts/moment.tsx';
import { Money } from '../parts/money.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { Restriction } from '../parts/restriction.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { NothingHere } from './trouble.tsx';

export function Customer() {
  const { customerId: orgId } = useParams({ from: '/signed-in/staff/customers/$customerId' });
  const question = useQuery(organizationQuery(orgId));
  const may = useMay();
  if (question.error instanceof Problem && question.error.status === 404) return <NothingHere />;
  return (
    <Asked question={question} height={400}>
      {(organization) => (
        <>
          <Heading organization={organization} />
          <Figures organization={organization} />
          {may('proposal.read') ? <CustomerProposals orgId={orgId} /> : null}
          {organization.plan === 'enterprise' && may('project.read') ? <CustomerSubAccounts orgId={orgId} /> : null}
          {may('invoice.read') ? <CustomerInvoices orgId={orgId} /> : null}
          {may('payment.read') ? <CustomerPayments orgId={orgId} /> : null}
          {may('member.read') ? <CustomerMembers orgId={orgId} /> : null}
          {may('single_sign_on.read') && organization.plan === 'enterprise' ? <MailDomains orgId={orgId} /> : null}
          {may('api_key.read') ? <CustomerKeys orgId={orgId} /> : null}
          {may('timeline.read') ? <Timeline orgId={orgId} /> : null}
        </>
      )}
    </Asked>
  );
}

function Heading({ organization }: { readonly organization: Organization }) {
  const t = useWords();
  const may = useMay();
  const { id: orgId, name, enforcementReason, provisioning } = organization;
  return (
    <>
      <PageHeading
        title={name}
        lead={
          <>
            {t('customer.id')} <code>{orgId}</code>
          </>
        }
        actions={
          <>
            {may('grant.issue') ? <GiveCredit orgId={orgId} /> : null}
            {may('customer.view') ? (
              <Button size="xs" renderRoot={(props) => <Link to="/o/$orgId" params={{ orgId }} {...props} />}>
                {t('customer.view')}
              </Button>
            ) : null}
          </>
        }
      />
      <p className="badges">
        <Restriction organization={organization} />
        {provisioning ? (
          <Badge variant="light" color="yellow">
            {t('customer.provisioning')}
          </Badge>
        ) : null}
        {enforcementReason === null ? null : <span className="quiet">{enforcementReason}</span>}
      </p>
    </>
  );
}

function Figures({ organization }: { readonly organization: Organization }) {
  const t = useWords();
  const may = useMay();
  const balance = useQuery(balanceQuery(organization.id));
  return (
    <dl className="figures">
      <div>
        <dt>{t('customer.plan')}</dt>
        <dd>{organization.plan === null ? t('customer.noPlan') : t(`planName.${organization.plan}`)}</dd>
      </div>
      <div>
        <dt>{t('customer.available')}</dt>
        <dd>
          <Asked question={balance} height={31}>
            {({ availableNano }) => <Money nano={availableNano} />}
          </Asked>
        </dd>
      </div>
      <div>
        <dt>{t('customer.since')}</dt>
        <dd>
          <Moment at={organization.createdAt} />
        </dd>
      </div>
      {may('contract.read') && organization.plan === 'enterprise' ? <Contract orgId={organization.id} /> : null}
    </dl>
  );
}

function Contract({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  return (
    <div>
      <dt>{t('customer.creditLine')}</dt>
      <dd>
        <Asked question={useQuery(contractQuery(orgId))} height={31}>
          {({ creditLineCents, netDays }) => (
            <>
              <Money nano={nanoOfCents(creditLineCents)} />{' '}
              <span className="figure-note">{t('customer.netDays', { count: netDays })}</span>
            </>
          )}
        </Asked>
      </dd>
    </div>
  );
}
