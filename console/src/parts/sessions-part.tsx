// Where somebody is signed in, and how he ends what he does not know.
import { Badge, Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { type Session, sessionsQuery } from '../api/questions.ts';
import { browserIn } from '../browser-name.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { Moment } from './moment.tsx';
import { ProblemNote } from './problem-note.tsx';

export function SessionsPart() {
  const t = useWords();
  const question = useQuery(sessionsQuery);
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: string) =>
      told(api.POST('/api/v1/me/sessions/{id}/revoke', { params: { path: { id } }, body: {} })),
    onSettled: () => queries.invalidateQueries(sessionsQuery),
  });
  return (
    <section className="part" aria-labelledby="sessions">
      <h2 id="sessions">{t('sessions.title')}</h2>
      <p className="quiet">{t('sessions.lead')}</p>
      <ProblemNote thrown={revoke.error} />
      <Asked question={question} height={128}>
        {({ data }) => (
          <ul className="sessions">
            {data.map((session) => (
              <SessionLine key={session.id} session={session} end={() => revoke.mutate(session.id)} />
            ))}
          </ul>
        )}
      </Asked>
    </section>
  );
}

function SessionLine({ session, end }: { readonly session: Session; end(): void }) {
  const t = useWords();
  const isThis = session.isThisOne;
  const name = browserIn(session.userAgent) ?? t('sessions.unknown');
  return (
    <li>
      <div>
        <p>
          {name} {isThis ? <Badge variant="light">{t('sessions.here')}</Badge> : null}
        </p>
        <p className="quiet">
          {session.clientAddress} · {t('sessions.seen')} <Moment at={session.seenAt} />
        </p>
      </div>
      {isThis ? null : (
        <Button variant="subtle" color="red" size="xs" aria-label={t('sessions.endOne', { name })} onClick={end}>
          {t('sessions.end')}
        </Button>
      )}
    </li>
  );
}
