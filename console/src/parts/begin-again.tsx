// Where no code counts any more there is nothing to enter: why, and the one thing to do now, which has the focus.
import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { Problem } from '../api/problem.ts';
import { ProblemNote } from './problem-note.tsx';

export function isCodeOver(thrown: unknown): boolean {
  return thrown instanceof Problem && thrown.code === 'code_over';
}

interface BeginAgain {
  readonly thrown: unknown;
  readonly verb: string;
  begin(): void;
}

export function BeginAgain({ thrown, verb, begin }: BeginAgain) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <div className="form">
      <ProblemNote thrown={thrown} />
      <div className="form-end">
        <Button ref={button} onClick={begin}>
          {verb}
        </Button>
      </div>
    </div>
  );
}
