// The end of an account: what it means and what must be done first is said before anything is asked.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type ClosingOutlook, closingQuery } from '../api/questions.ts';
import { enter } from '../enter.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { shownMoney } from '../money.ts';
import { Asked } from './asked.tsx';
import { Dialog } from './dialog.tsx';
import { ProvedForm } from './proved-form.tsx';

export function ClosingPart() {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <section className="part" aria-labelledby="closing">
      <h2 id="closing">{t('closing.title')}</h2>
      <p className="quiet">{t('closing.lead')}</p>
      <Button variant="default" onClick={() => setOpen(true)}>
        {t('closing.open')}
      </Button>
      <Dialog opened={isOpen} close={() => setOpen(false)} title={t('closing.title')}>
        <Outlook />
      </Dialog>
    </section>
  );
}

function Outlook() {
  const question = useQuery(closingQuery);
  return (
    <Asked question={question} height={160}>
      {(outlook) => (outlook.obstacles.length > 0 ? <Obstacles {...outlook} /> : <Closing {...outlook} />)}
    </Asked>
  );
}

function Obstacles({ obstacles }: ClosingOutlook) {
  const t = useWords();
  return (
    <>
      <p>{t('closing.first')}</p>
      <ul className="plain-list">
        {obstacles.map(({ why, orgId, orgName, amountNano }) => (
          <li key={`${why} ${orgId}`}>
            {t(`closing.why.${why}`, { name: orgName ?? '', amount: shownMoney(amountNano ?? '0', spokenTag()) })}
          </li>
        ))}
      </ul>
    </>
  );
}

function Closing({ organizations }: ClosingOutlook) {
  const t = useWords();
  return (
    <ProvedForm
      submit={t('closing.submit')}
      isGrave
      send={(body) => told(api.POST('/api/v1/me/closing', { body }))}
      done={() => enter('/reopen')}
    >
      {organizations.map(({ orgId, orgName, availableNano }) => (
        <p key={orgId}>
          {BigInt(availableNano) > 0n
            ? t('closing.ends', { name: orgName, amount: shownMoney(availableNano, spokenTag()) })
            : t('closing.endsEmpty', { name: orgName })}
        </p>
      ))}
      <p>{t('closing.books')}</p>
    </ProvedForm>
  );
}
