// One sub-account: its price, its budget, the addresses of its keys, and the keys, which are asked for when somebody wants to see them.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Project } from '../api/organization-questions.ts';
import { keysInProjectQuery, useMe } from '../api/questions.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { shownShare } from '../money.ts';
import { mayBound, mayMakeKeys, roleIn } from '../rights.ts';
import { Asked } from './asked.tsx';
import { Fact } from './fact.tsx';
import { PlusIcon } from './icons.tsx';
import { KeyTable } from './key-table.tsx';
import { Money } from './money.tsx';
import { NewKey } from './new-key.tsx';
import { SubAccountChange } from './sub-account-form.tsx';

interface SubAccount {
  readonly orgId: string;
  readonly project: Project;
}

export function SubAccount({ orgId, project }: SubAccount) {
  const t = useWords();
  const role = roleIn(useMe(), orgId);
  const [isMaking, setMaking] = useState(false);
  const { id, name } = project;
  return (
    <section className="part sub-account" aria-labelledby={id}>
      <h2 id={id}>{name}</h2>
      <Facts project={project} />
      <div className="form-end">
        {mayMakeKeys(role) ? (
          <Button
            size="xs"
            variant="light"
            leftSection={<PlusIcon />}
            aria-label={t('subAccounts.makeKeyOf', { name })}
            onClick={() => setMaking(true)}
          >
            {t('keys.make')}
          </Button>
        ) : null}
        {mayBound(role) ? <SubAccountChange orgId={orgId} project={project} /> : null}
      </div>
      <Keys orgId={orgId} project={project} />
      <NewKey orgId={orgId} projectId={id} opened={isMaking} close={() => setMaking(false)} />
    </section>
  );
}

function Facts({ project }: Pick<SubAccount, 'project'>) {
  const t = useWords();
  const { caps, allowedAddresses, priceOfListPpm, costsOfListPpm } = project;
  const share = shownShare(costsOfListPpm, spokenTag());
  return (
    <dl className="facts">
      <Fact name={t('subAccounts.price')}>
        {priceOfListPpm === null ? t('subAccounts.agreedForAll', { share }) : t('subAccounts.agreedForIt', { share })}
      </Fact>
      <Fact name={t('subAccounts.budget')}>
        {caps.length === 0 ? (
          t('application.noBudget')
        ) : (
          <ul className="bounds">
            {caps.map(({ period, amountNano }) => (
              <li key={period}>
                <Money nano={amountNano} /> {t(`keys.per.${period}`)}
              </li>
            ))}
          </ul>
        )}
      </Fact>
      <Fact name={t('addressList.from')}>{allowedAddresses?.join(', ') ?? t('addressList.everywhere')}</Fact>
    </dl>
  );
}

function Keys({ orgId, project: { id, name } }: SubAccount) {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="bounds-form" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('subAccounts.keysOf', { name })}</summary>
      {isOpen ? <KeysInside orgId={orgId} projectId={id} /> : null}
    </details>
  );
}

function KeysInside({ orgId, projectId }: { readonly orgId: string; readonly projectId: string }) {
  const t = useWords();
  const question = useQuery(keysInProjectQuery(orgId, projectId));
  return (
    <Asked question={question} height={120}>
      {({ data }) =>
        data.length > 0 ? (
          <div className="keys">
            <KeyTable orgId={orgId} apiKeys={data} />
          </div>
        ) : (
          <p className="quiet">{t('keys.none')}</p>
        )
      }
    </Asked>
  );
}
