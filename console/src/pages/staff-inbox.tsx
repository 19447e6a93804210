// All that waits for a person of ours, as far as one may see to it: what is due first stands first, and the keyboard is enough.
import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { inboxQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { QueueLine } from '../parts/queue-line.tsx';
import { Shortcuts } from '../parts/shortcuts.tsx';

export function StaffInbox() {
  const t = useWords();
  const question = useQuery(inboxQuery);
  const queue = useRef<HTMLOListElement>(null);
  const move = (step: 1 | -1, name: string) => {
    const lines = [...(queue.current?.querySelectorAll<HTMLElement>('.queue-line') ?? [])];
    const at = lines.findIndex((line) => line.contains(document.activeElement));
    // Elsewhere on the page arrows scroll.
    if (at === -1 && name.startsWith('Arrow')) return false;
    (at === -1 ? lines[0] : lines[at + step])?.focus();
    return true;
  };
  const shortcuts = [
    { keys: ['j', 'ArrowDown'], what: t('shortcuts.next'), press: (name: string) => move(1, name) },
    { keys: ['k', 'ArrowUp'], what: t('shortcuts.previous'), press: (name: string) => move(-1, name) },
    { keys: ['Enter'], what: t('shortcuts.open'), press: () => false },
  ];
  return (
    <>
      <PageHeading title={t('inbox.title')} lead={t('inbox.lead')} actions={<Shortcuts shortcuts={shortcuts} />} />
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
