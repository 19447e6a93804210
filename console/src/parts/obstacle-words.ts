// What keeps an application from being provisioned, in the reader's words: at which step, why, and which thing it is about.
import type { ApplicationFile } from '../api/staff-questions.ts';
import type { Words } from '../messages/language.ts';

type Attention = NonNullable<ApplicationFile['attention']>;

export function obstacleIn({ kind, ...obstacle }: Attention, t: Words): string {
  return t(`obstacle.${kind}`, { what: failureIn(obstacle, t) });
}

export function failureIn({ step, code, detail }: NonNullable<ApplicationFile['failure']>, t: Words): string {
  return t('obstacle.at', { step: t(`obstacle.step.${step}`), why: t(`obstacle.why.${code}`, { detail }) });
}
