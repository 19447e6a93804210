// How far an application has come, as steps of which one is now.
import type { Application } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { CheckIcon } from './icons.tsx';

const STEPS = ['written', 'review', 'setUp', 'active'] as const;

/** Whatever ends it ends it in review, or before. */
const AT: { readonly [S in Application['stage']]: number } = {
  draft: 0,
  in_review: 1,
  info_requested: 1,
  rejected: 1,
  withdrawn: 1,
  expired: 1,
  provisioning: 2,
  active: STEPS.length,
};

export function ApplicationTracker({ stage }: Pick<Application, 'stage'>) {
  const t = useWords();
  const now = AT[stage];
  return (
    <ol className="tracker">
      {STEPS.map((step, at) => (
        <li key={step} data-done={at < now} aria-current={at === now ? 'step' : undefined}>
          <span className="step-sign">{at < now ? <CheckIcon /> : at + 1}</span>
          {t(`enterprise.step.${step}`)}
          {at < now ? <span className="only-heard"> ({t('enterprise.stepDone')})</span> : null}
        </li>
      ))}
    </ol>
  );
}
