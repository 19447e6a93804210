// Back from the provider. What it gave along leaves the address as soon as it is read, and is good for this browser alone, once.
import { Anchor } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { api, told } from '../api/client.ts';
import { enter } from '../enter.ts';
import { spoken, useWords } from '../messages/language.ts';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { SecondFactorQuestion } from '../parts/second-factor-question.tsx';
import { pathAfterProvider } from '../sent-to-provider.ts';

const here = getRouteApi('/visitor/signed-on/$orgId');

type Outcome =
  | { readonly kind: 'waiting' | 'second_factor' | 'link_sent' }
  | { readonly kind: 'refused'; thrown: unknown };

export function SignedOn() {
  const t = useWords();
  const outcome = useOutcome();
  switch (outcome.kind) {
    case 'waiting':
      return (
        <div aria-busy="true">
          <PageHeading title={t('signOn.waiting')} />
        </div>
      );
    case 'second_factor':
      return <SecondFactorQuestion passed={() => enter(pathAfterProvider())} again={() => enter('/single-sign-on')} />;
    case 'link_sent':
      return <PageHeading title={t('signOn.linkSent')} lead={t('signOn.linkSentMore')} />;
    case 'refused':
      return <Refused thrown={outcome.thrown} />;
  }
}

/** Sent once, also where effects run twice. */
function useOutcome(): Outcome {
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'waiting' });
  const [answered] = useState(() => new URLSearchParams(location.search));
  const { orgId } = here.useParams();
  const isSent = useRef(false);
  useEffect(() => {
    if (isSent.current) return;
    isSent.current = true;
    history.replaceState(history.state, '', location.pathname);
    const given = (name: string) => {
      const value = answered.get(name);
      return value === null ? {} : { [name]: value };
    };
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const body = {
      orgId,
      state: answered.get('state') || 'none',
      ...{ ...given('code'), ...given('iss'), ...given('error') },
      ...{ locale: spoken(), timeZone },
    };
    told(api.POST('/api/v1/sign-ins/single-sign-on/finish', { body })).then(
      ({ state }) => {
        if (state === 'second_factor' || state === 'link_sent') setOutcome({ kind: state });
        else enter(pathAfterProvider());
      },
      (thrown: unknown) => setOutcome({ kind: 'refused', thrown }),
    );
  }, [answered, orgId]);
  return outcome;
}

function Refused({ thrown }: { readonly thrown: unknown }) {
  const t = useWords();
  return (
    <>
      <PageHeading title={t('signOn.refused')} />
      <div className="form">
        <ProblemNote thrown={thrown} />
      </div>
      <p className="aside">
        <Anchor renderRoot={(props) => <Link to="/single-sign-on" {...props} />}>{t('signOn.again')}</Anchor>
      </p>
      <p className="aside">
        <Anchor renderRoot={(props) => <Link to="/sign-in" {...props} />}>{t('signOn.otherwise')}</Anchor>
      </p>
    </>
  );
}
