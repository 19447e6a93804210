// The keys of an organization: what each may do, made with what it may never pass, taken out of use in a second.
import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { keysQuery, useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { PlusIcon } from '../parts/icons.tsx';
import { KeyTable } from '../parts/key-table.tsx';
import { NewKey } from '../parts/new-key.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { Older } from '../parts/older.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { mayMakeKeys, roleIn } from '../rights.ts';

export function Keys() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/keys' });
  const [isMaking, setMaking] = useState(false);
  const question = useInfiniteQuery(keysQuery(orgId));
  const make = mayMakeKeys(roleIn(useMe(), orgId)) ? (
    <Button leftSection={<PlusIcon />} onClick={() => setMaking(true)}>
      {t('keys.make')}
    </Button>
  ) : undefined;
  const hasKeys = (question.data?.pages[0]?.data.length ?? 0) > 0;
  return (
    <>
      <PageHeading title={t('keys.title')} lead={t('keys.lead')} actions={hasKeys ? make : undefined} />
      <div className="part keys">
        <Asked question={question} height={200}>
          {({ pages }) =>
            hasKeys ? (
              <KeyTable orgId={orgId} apiKeys={pages.flatMap(({ data }) => data)} />
            ) : (
              <NothingYet title={t('keys.none')} action={make}>
                {t('keys.noneMore')}
              </NothingYet>
            )
          }
        </Asked>
        <Older list={question} />
      </div>
      <NewKey orgId={orgId} opened={isMaking} close={() => setMaking(false)} />
    </>
  );
}
