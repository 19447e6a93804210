// The sub-accounts of an enterprise: what each may spend and what it pays, from where its keys work, and the keys themselves.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { organizationQuery, projectsQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { PlusIcon } from '../parts/icons.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { SubAccount } from '../parts/sub-account.tsx';
import { NewSubAccount } from '../parts/sub-account-form.tsx';
import { mayBound, roleIn } from '../rights.ts';

export function SubAccounts() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/sub-accounts' });
  const [isMaking, setMaking] = useState(false);
  const organization = useQuery(organizationQuery(orgId));
  const role = roleIn(useMe(), orgId);
  const make =
    organization.data?.plan === 'enterprise' && mayBound(role) ? (
      <Button leftSection={<PlusIcon />} onClick={() => setMaking(true)}>
        {t('subAccounts.make')}
      </Button>
    ) : undefined;
  return (
    <>
      <PageHeading title={t('subAccounts.title')} lead={t('subAccounts.lead')} actions={make} />
      <Asked question={organization} height={200}>
        {({ plan }) => (plan === 'enterprise' ? <SubAccountList orgId={orgId} /> : <ForEnterprises orgId={orgId} />)}
      </Asked>
      <NewSubAccount orgId={orgId} opened={isMaking} close={() => setMaking(false)} />
    </>
  );
}

function SubAccountList({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useQuery(projectsQuery(orgId));
  return (
    <Asked question={question} height={200}>
      {({ data }) =>
        data.length > 0 ? (
          data.map((project) => <SubAccount key={project.id} orgId={orgId} project={project} />)
        ) : (
          <div className="part">
            <NothingYet title={t('subAccounts.none')}>{t('subAccounts.noneMore')}</NothingYet>
          </div>
        )
      }
    </Asked>
  );
}

function ForEnterprises({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  return (
    <div className="part">
      <NothingYet
        title={t('subAccounts.forEnterprises')}
        action={
          <Link to="/o/$orgId/enterprise" params={{ orgId }}>
            {t('enterprise.none')}
          </Link>
        }
      >
        {t('subAccounts.forEnterprisesMore')}
      </NothingYet>
    </div>
  );
}
