// What an organization went through, newest first: each with when, what, by whom and why, and the way to the process that did it.
import { Anchor, Badge, Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMe } from '../api/questions.ts';
import { type Happening, timelineQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { useStanding, useTitle } from './happening-words.ts';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';

export function Timeline({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useInfiniteQuery(timelineQuery(orgId));
  return (
    <section className="part" aria-labelledby="timeline">
      <h2 id="timeline">{t('timeline.title')}</h2>
      <Asked question={question} height={400}>
        {({ pages }) => {
          const all = pages.flatMap(({ data }) => data);
          return all.length === 0 ? (
            <p className="quiet">{t('timeline.none')}</p>
          ) : (
            <ol className="happenings">
              {all.map((happening) => (
                <One key={`${happening.kind} ${happening.id}`} happening={happening} />
              ))}
            </ol>
          );
        }}
      </Asked>
      {question.hasNextPage ? (
        <Button variant="default" loading={question.isFetchingNextPage} onClick={() => void question.fetchNextPage()}>
          {t('timeline.older')}
        </Button>
      ) : null}
    </section>
  );
}

function One({ happening }: { readonly happening: Happening }) {
  const t = useWords();
  const title = useTitle(happening);
  const standing = useStanding(happening);
  const { at, kind, amountNano, actor, actorName, reason, detail } = happening;
  return (
    <li className="happening" data-kind={kind}>
      <div className="happening-when">
        <Moment at={at} />
      </div>
      <div>
        <p className="happening-title">
          {title} {amountNano === null ? null : <Money nano={amountNano} />}{' '}
          {standing === null ? null : (
            <Badge variant="light" color={standing.color}>
              {standing.text}
            </Badge>
          )}
        </p>
        {reason === null ? null : <p className="quiet">“{reason}”</p>}
        <p className="quiet happening-ids">
          {actor === null ? null : <span>{t('timeline.by', { who: actorName ?? actor })}</span>}
          {detail === null ? null : <span>{detail}</span>}
          <Ids happening={happening} />
        </p>
      </div>
    </li>
  );
}

function Ids({ happening: { invoiceId, paymentId, targetId, workflowId } }: { readonly happening: Happening }) {
  const t = useWords();
  const { temporalUiUrl } = useMe();
  return (
    <>
      {invoiceId === null ? null : (
        <span>
          {t('timeline.id.invoice')} <code>{invoiceId}</code>
        </span>
      )}
      {paymentId === null ? null : (
        <span>
          {t('timeline.id.payment')} <code>{paymentId}</code>
        </span>
      )}
      {targetId === null ? null : <code>{targetId}</code>}
      {workflowId === null || temporalUiUrl === null ? null : (
        <Anchor href={`${temporalUiUrl}/${encodeURIComponent(workflowId)}`} target="_blank" rel="noreferrer">
          {t('timeline.process')}
        </Anchor>
      )}
    </>
  );
}
