// Whoever is signed in and comes where one signs in or up: he is told as whom, and led on, or out to another account.
import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { api, told } from '../api/client.ts';
import { enter } from '../enter.ts';
import { useWords } from '../messages/language.ts';
import { ownPath } from '../own-path.ts';
import { useForm } from './form.tsx';
import { PageHeading } from './page-heading.tsx';
import { ProblemNote } from './problem-note.tsx';

interface SignedIn {
  /** Null: nobody is, as far as is known yet. */
  readonly email: string | null;
  forget(): void;
}

/** Asked beside the form, which no visitor waits for. */
export function useSignedIn(): SignedIn {
  const [email, setEmail] = useState<string | null>(null);
  useEffect(() => {
    let isHere = true;
    told(api.GET('/api/v1/me')).then(
      (me) => (isHere ? setEmail(me.email) : undefined),
      // Then there is the form, which tells what is wrong.
      () => undefined,
    );
    return () => {
      isHere = false;
    };
  }, []);
  return { email, forget: () => setEmail(null) };
}

interface AlreadyIn {
  readonly email: string;
  readonly next: string | undefined;
  signedOut(): void;
}

export function AlreadyIn({ email, next, signedOut }: AlreadyIn) {
  const t = useWords();
  const leaving = useForm({
    initial: {},
    check: () => ({}),
    send: () => told(api.POST('/api/v1/sign-outs', { body: {} })),
    done: signedOut,
  });
  return (
    <>
      <PageHeading title={t('already.title')} lead={t('already.lead', { email })} />
      <form noValidate onSubmit={leaving.submit} className="form">
        <ProblemNote thrown={leaving.problem} />
        <Button type="button" onClick={() => enter(ownPath(next))}>
          {t('already.goOn')}
        </Button>
        <Button type="submit" variant="default" loading={leaving.isPending}>
          {t('already.another')}
        </Button>
      </form>
    </>
  );
}
