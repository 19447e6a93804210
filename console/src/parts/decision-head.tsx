// What stands above a decision of staff: how far it is, when it is due and who has it in hand, and what somebody else did meanwhile.
import { Alert, Badge } from '@mantine/core';
import type { ReactNode } from 'react';
import type { InboxItem } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { ClaimButton, Claimed, type Claims } from './claim.tsx';
import { Due, nameOfItem } from './queue-line.tsx';

interface DecisionHead {
  readonly state: string;
  /** undefined: it waits for nobody. */
  readonly here: InboxItem | undefined;
  readonly claims: Claims;
}

export function DecisionHead({ state, here, claims }: DecisionHead) {
  const t = useWords();
  return (
    <>
      <h2 id="decision">
        {t('file.standing')} <Badge variant="light">{state}</Badge>
        {here === undefined ? null : <Due item={here} />}
      </h2>
      {here === undefined ? null : (
        <p className="acts">
          <Claimed item={here} />
          <ClaimButton item={here} name={nameOfItem(here, t)} turn={claims.turn} />
        </p>
      )}
    </>
  );
}

/** Null: nothing. */
export function Meanwhile({ children }: { readonly children: ReactNode }) {
  if (children === null) return null;
  return (
    <Alert color="yellow" role="alert" className="meanwhile">
      {children}
    </Alert>
  );
}
