// One master key taking the place of another: first every process has it, then it alone seals, then what was sealed before is sealed under it.
import { Badge } from '@mantine/core';
import type { MasterKeys, MasterKeyRotation as Rotation } from '../api/operations-questions.ts';
import { useWords } from '../messages/language.ts';
import { CommandRotation } from './master-key-acts.tsx';
import { Moment } from './moment.tsx';
import { Progress } from './progress.tsx';
import { ToWorkflow } from './to-workflow.tsx';

interface Rotating {
  readonly rotation: Rotation;
  readonly holders: MasterKeys['holders'];
  readonly mayChange: boolean;
}

/** Those that its stage takes (docs/operations.md, "The master key"). */
function commandsFor({ stage, isPaused }: Rotation) {
  if (stage === 'attention') return ['retryNow', 'dismiss'] as const;
  if (stage === 'completed' || stage === 'cancelled') return [];
  const standStill = isPaused ? ('resume' as const) : ('pause' as const);
  return stage === 'acknowledging' ? ([standStill, 'cancel'] as const) : ([standStill] as const);
}

export function MasterKeyRotation({ rotation, holders, mayChange }: Rotating) {
  const t = useWords();
  const { version, stage, isPaused, endedAt, troubles, reason, workflowId } = rotation;
  const behind = useBehind(holders, version);
  if (endedAt !== null) {
    return (
      <p className="quiet">
        {t(`masterKeys.ended.${stage === 'cancelled' ? 'cancelled' : 'completed'}`, { version })} ·{' '}
        <Moment at={endedAt} />
      </p>
    );
  }
  return (
    <div className="key-rotation">
      <div className="standing">
        <p className="badges">
          <Badge variant="light">{t('masterKeys.rotation', { version })}</Badge>
          {isPaused ? <Badge color="gray">{t('masterKeys.paused')}</Badge> : null}
          <ToWorkflow id={workflowId} />
        </p>
        {stage === 'completed' || stage === 'cancelled' ? null : <p role="status">{t(`masterKeys.doing.${stage}`)}</p>}
        <HowFar rotation={rotation} holders={holders} />
        <Lines lines={stage === 'attention' ? troubles : behind} />
        <p className="said quiet">“{reason}”</p>
      </div>
      {mayChange ? (
        <div className="acts">
          {commandsFor(rotation).map((command) => (
            <CommandRotation key={command} command={command} version={version} />
          ))}
        </div>
      ) : null}
    </div>
  );
}

/** Processes that do not have it, in words. */
function useBehind(holders: Rotating['holders'], version: number): string[] {
  const t = useWords();
  return holders
    .filter(({ versions }) => !versions.includes(version))
    .map(({ kind, pid, host, otherBytes }) => {
      const lacks = otherBytes.includes(version) ? 'itsBytes' : 'it';
      return t(`masterKeys.lacks.${lacks}`, { process: t(`masterKeys.kind.${kind}`), pid, host });
    });
}

function HowFar({ rotation, holders }: Omit<Rotating, 'mayChange'>) {
  const t = useWords();
  const { version, stage, total, left } = rotation;
  if (stage === 'acknowledging') {
    const having = holders.filter(({ versions }) => versions.includes(version)).length;
    const label = t('masterKeys.had', { having, count: holders.length });
    return <Progress label={label} value={having} max={holders.length} />;
  }
  if (total === null) return null;
  const done = Math.max(total - left, 0);
  return <Progress label={t('masterKeys.resealed', { done, count: total })} value={done} max={total} />;
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <ul className="bounds queue-attention">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
