// A refusal in the reader's words: what happened, and what to do now. The request id is for whoever has to ask us.
import { Alert, Button } from '@mantine/core';
import i18next from 'i18next';
import { Problem } from '../api/problem.ts';
import { type Messages, spokenTag, useWords, type Words } from '../messages/language.ts';
import { WarningIcon } from './icons.tsx';

type KnownCode = keyof Messages['problems'];

interface ProblemNote {
  /** Null: there is none. */
  readonly thrown: unknown;
  /** For what can be done again as it is. */
  readonly onRetry?: () => void;
}

export function ProblemNote({ thrown, onRetry }: ProblemNote) {
  const t = useWords();
  if (thrown === null || thrown === undefined) return null;
  // Of what is not for the reader to put right.
  const requestId = thrown instanceof Problem && thrown.status >= 500 ? thrown.requestId : null;
  return (
    <Alert color="red" role="alert" icon={<WarningIcon />}>
      <div className="problem">
        <p>{problemText(thrown, t)}</p>
        {requestId === null ? null : <p className="quiet">{t('problem.requestId', { requestId })}</p>}
        {onRetry === undefined ? null : (
          <Button variant="default" size="xs" onClick={onRetry}>
            {t('problem.retry')}
          </Button>
        )}
      </div>
    </Alert>
  );
}

export function problemText(thrown: unknown, t: Words): string {
  if (!(thrown instanceof Problem)) return t('problems.internal_error');
  const { code, retryAfterS, message } = thrown;
  if (isKnown(code)) return t(`problems.${code}`, { wait: waitOf(retryAfterS ?? 1) });
  return t('problem.unforeseen', { detail: message });
}

function isKnown(code: string): code is KnownCode {
  return i18next.exists(`problems.${code}`);
}

function waitOf(seconds: number): string {
  const inMinutes = seconds > 90;
  const unit = { style: 'unit', unit: inMinutes ? 'minute' : 'second', unitDisplay: 'long' } as const;
  return new Intl.NumberFormat(spokenTag(), unit).format(inMinutes ? Math.ceil(seconds / 60) : seconds);
}
