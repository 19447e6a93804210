// Something that is being asked of the API: its shape while it is on its way, the answer, or why there is none and how to ask again.
import { Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useWords } from '../messages/language.ts';
import { ProblemNote } from './problem-note.tsx';

interface Asked<T> {
  readonly question: UseQueryResult<T>;
  /** Of what will come, in pixels: nothing jumps. */
  readonly height: number;
  children(answer: T): ReactNode;
}

export function Asked<T>({ question, height, children }: Asked<T>) {
  const t = useWords();
  if (question.data !== undefined) return children(question.data);
  if (question.isError) return <ProblemNote thrown={question.error} onRetry={() => void question.refetch()} />;
  return (
    <div aria-busy="true">
      <span className="only-heard">{t('asked.loading')}</span>
      <Skeleton height={height} radius="md" />
    </div>
  );
}
