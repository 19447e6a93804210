// A change of a channel's key that goes on: where it stands, how far its canary is and what came of the stages before, what it waits for, and what may
// be decided of it now.
import { Badge } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { channelKeysKey, type KeyRotation, keyRotationQuery } from '../api/operations-questions.ts';
import { useWords } from '../messages/language.ts';
import { ActButton } from './act.tsx';
import { Asked } from './asked.tsx';
import { nameOfKey, type OfSlot } from './channel-key-acts.tsx';
import type { KeyChoice } from './channel-key-decisions.tsx';
import { Moment } from './moment.tsx';
import { Progress } from './progress.tsx';
import { ToWorkflow } from './to-workflow.tsx';

interface Rotating {
  readonly rotationId: string;
  readonly of: OfSlot;
  readonly mayChange: boolean;
  decide(choice: KeyChoice, rotation: KeyRotation): void;
}

export function ChannelKeyRotation({ rotationId, of, mayChange, decide }: Rotating) {
  const t = useWords();
  const question = useQuery(keyRotationQuery(rotationId));
  const queries = useQueryClient();
  const hasEnded = question.data?.hasEnded ?? false;
  // The place has another key then, and its next run.
  useEffect(() => {
    if (hasEnded) void queries.invalidateQueries({ queryKey: channelKeysKey });
  }, [hasEnded, queries]);
  return (
    <div className="key-rotation">
      <Asked question={question} height={96}>
        {(rotation) => (
          <>
            <Standing rotation={rotation} />
            <Results rotation={rotation} />
            {mayChange ? (
              <div className="acts">
                {rotation.choices.map((choice) => {
                  const verb = t(`channelKeys.${choice}.verb`);
                  const name = `${verb}: ${nameOfKey(of)}`;
                  return <ActButton key={choice} verb={verb} name={name} ask={() => decide(choice, rotation)} />;
                })}
              </div>
            ) : null}
          </>
        )}
      </Asked>
    </div>
  );
}

function Standing({ rotation }: { readonly rotation: KeyRotation }) {
  const t = useWords();
  const { stage, percent, attempts, isEmergency, need, failure, stageEndsAt, workflowId } = rotation;
  const { oldKeyLastFour, newKeyLastFour } = rotation;
  return (
    <div className="standing">
      <p className="badges">
        <Badge variant="light">{t(`channelKeys.stage.${stage}`)}</Badge>
        <code className="key-shape">
          …{oldKeyLastFour} → {newKeyLastFour === null ? '?' : `…${newKeyLastFour}`}
        </code>
        {isEmergency ? <Badge color="red">{t('channelKeys.emergency.verb')}</Badge> : null}
        <ToWorkflow id={workflowId} />
      </p>
      <p role="status">
        {t(`channelKeys.doing.${stage}`, { percent })}{' '}
        {stage === 'grace' && stageEndsAt !== null ? <Moment at={stageEndsAt} /> : null}
      </p>
      {attempts === null ? null : (
        <Progress
          label={t('channelKeys.attempts', { ...attempts, percent })}
          value={attempts.fresh}
          max={attempts.enough}
        />
      )}
      {need === null ? null : (
        <p className="queue-attention">{t(`channelKeys.need.${need}`, { lastFour: oldKeyLastFour })}</p>
      )}
      {failure === null ? null : <p className="said quiet">{failure}</p>}
    </div>
  );
}

function Results({ rotation: { results } }: { readonly rotation: KeyRotation }) {
  const t = useWords();
  if (results.length === 0) return null;
  return (
    <ul className="bounds" aria-label={t('channelKeys.results')}>
      {results.map(({ percent, verdict, fresh, at }) => (
        <li key={at}>
          {t(`channelKeys.result.${verdict}`, {
            percent,
            count: fresh.attempts,
            bad: fresh.refused + fresh.limited + fresh.failed,
          })}{' '}
          · <Moment at={at} />
        </li>
      ))}
    </ul>
  );
}
