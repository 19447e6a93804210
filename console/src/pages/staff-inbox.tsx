// All that waits for a person of ours, as far as one may see to it: what is due first stands first, who has it in hand stands beside it, and the
// keyboard is enough.
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { inboxQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { ClaimButton, useClaims } from '../parts/claim.tsx';
import { Meanwhile } from '../parts/decision-head.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { nameOfItem, QueueLine } from '../parts/queue-line.tsx';
import { Shortcuts } from '../parts/shortcuts.tsx';

/** Colleagues take and decide meanwhile. */
const LOOK_AGAIN_MS = 30_000;

export function StaffInbox() {
  const t = useWords();
  const question = useQuery({ ...inboxQuery, refetchInterval: LOOK_AGAIN_MS });
  const queue = useRef<HTMLOListElement>(null);
  const claims = useClaims();
  const lines = () => [...(queue.current?.children ?? [])];
  const here = () => lines().findIndex((line) => line.contains(document.activeElement));
  const move = (step: 1 | -1, name: string) => {
    const at = here();
    // Elsewhere on the page arrows scroll.
    if (at === -1 && name.startsWith('Arrow')) return false;
    lines()[at === -1 ? 0 : at + step]?.querySelector<HTMLElement>('.queue-line')?.focus();
    return true;
  };
  const shortcuts = [
    { keys: ['j', 'ArrowDown'], what: t('shortcuts.next'), press: (name: string) => move(1, name) },
    { keys: ['k', 'ArrowUp'], what: t('shortcuts.previous'), press: (name: string) => move(-1, name) },
    { keys: ['Enter'], what: t('shortcuts.open'), press: () => false },
    claims.shortcut(() => question.data?.data[here()]),
  ];
  return (
    <>
      <PageHeading title={t('inbox.title')} lead={t('inbox.lead')} actions={<Shortcuts shortcuts={shortcuts} />} />
      <Meanwhile>{claims.late}</Meanwhile>
      <div className="part keys">
        <Asked question={question} height={320}>
          {({ data }) =>
            data.length === 0 ? (
              <NothingYet title={t('inbox.none')}>{t('inbox.noneMore')}</NothingYet>
            ) : (
              <ol className="queue" ref={queue}>
                {data.map((item) => (
                  <li key={`${item.kind} ${item.id}`}>
                    <QueueLine item={item} />
                    <ClaimButton item={item} name={nameOfItem(item, t)} turn={claims.turn} />
                  </li>
                ))}
              </ol>
            )
          }
        </Asked>
      </div>
    </>
  );
}
