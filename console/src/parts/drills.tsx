// Drills: a backup that has lain in storage for a while is fetched and restored by the clock. So long customers would wait.
import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type Drill, drillsQuery, goesOn } from '../api/operations-questions.ts';
import { spokenSpan } from '../measures.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { Moment } from './moment.tsx';
import { NothingYet } from './nothing-yet.tsx';
import { ToWorkflow } from './to-workflow.tsx';

export function Drills() {
  const t = useWords();
  return (
    <section className="part" aria-labelledby="drills">
      <h2 id="drills">{t('backups.drills')}</h2>
      <p className="quiet">{t('backups.drillsMore')}</p>
      <Asked question={useQuery(drillsQuery)} height={96}>
        {({ data }) =>
          data.length === 0 ? (
            <NothingYet title={t('backups.noDrill')}>{t('backups.noDrillMore')}</NothingYet>
          ) : (
            <ul className="key-slots">
              {data.map((drill) => (
                <One key={drill.name} drill={drill} />
              ))}
            </ul>
          )
        }
      </Asked>
    </section>
  );
}

function One({ drill }: { readonly drill: Drill }) {
  const t = useWords();
  const { name, backup, stage, openedAt, restoredInMs, trouble, workflowId } = drill;
  const isGood = stage === 'completed';
  const colour = isGood ? 'teal' : 'red';
  return (
    <li>
      <p className="badges">
        <code className="key-shape">{name}</code>
        <Badge variant="light" color={goesOn(drill) ? 'yellow' : colour}>
          {t(`backups.drill.${stage}`)}
        </Badge>
        <Moment at={openedAt} />
        {stage === 'attention' ? <ToWorkflow id={workflowId} /> : null}
      </p>
      <p className="quiet">
        {t('backups.drillOf', { backup })}
        {restoredInMs === null
          ? null
          : ` · ${t('backups.restoredIn', { span: spokenSpan(restoredInMs, spokenTag()) })}`}
      </p>
      {trouble === null ? null : <p className="queue-attention">{trouble}</p>}
    </li>
  );
}
