// By whose single sign-on somebody comes in: an organization that has one may be connected, and be let go again while there is another way in.
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type Identity, identitiesQuery, meQuery, sessionsQuery } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { goToProvider } from '../sent-to-provider.ts';
import { Asked } from './asked.tsx';
import { Dialog } from './dialog.tsx';
import { Moment } from './moment.tsx';
import { ProvedForm } from './proved-form.tsx';

interface Connectable {
  readonly orgId: string;
  readonly orgName: string;
}

type Open =
  | { readonly what: 'connecting'; readonly organization: Connectable }
  | { readonly what: 'removing'; readonly identity: Identity };

export function IdentitiesPart() {
  const t = useWords();
  const question = useQuery(identitiesQuery);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  // Of whom no organization speaks, he need not hear of it.
  if (question.data?.data.length === 0 && question.data.connectable.length === 0) return null;
  return (
    <section className="part" aria-labelledby="identities">
      <h2 id="identities">{t('identities.title')}</h2>
      <p className="quiet">{t('identities.lead')}</p>
      <Asked question={question} height={64}>
        {({ data, connectable }) => (
          <ul className="sessions">
            {data.map((identity) => (
              <Connected key={identity.id} identity={identity} remove={() => setOpen({ what: 'removing', identity })} />
            ))}
            {connectable.map((organization) => (
              <li key={organization.orgId}>
                <div>
                  <p>{organization.orgName}</p>
                  <p className="quiet">{t('identities.none')}</p>
                </div>
                <Button
                  variant="default"
                  size="xs"
                  aria-label={t('identities.connectOne', { name: organization.orgName })}
                  onClick={() => setOpen({ what: 'connecting', organization })}
                >
                  {t('identities.connect')}
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Asked>
      <Dialog opened={open !== null} close={close} title={t(`identities.${open?.what ?? 'connecting'}`)}>
        {open?.what === 'connecting' ? <Connecting {...open.organization} next="/account" /> : null}
        {open?.what === 'removing' ? <Removing identity={open.identity} done={close} /> : null}
      </Dialog>
    </section>
  );
}

function Connected({
  identity: { orgName, createdAt, usedAt },
  remove,
}: {
  readonly identity: Identity;
  remove(): void;
}) {
  const t = useWords();
  return (
    <li>
      <div>
        <p>{orgName}</p>
        <p className="quiet">
          {t('identities.since')} <Moment at={createdAt} /> · {t('identities.used')}{' '}
          {usedAt === null ? t('identities.never') : <Moment at={usedAt} />}
        </p>
      </div>
      <Button
        variant="subtle"
        color="red"
        size="xs"
        aria-label={t('identities.removeOne', { name: orgName })}
        onClick={remove}
      >
        {t('identities.remove')}
      </Button>
    </li>
  );
}

/** That it is really him first, then his provider. next: where he comes back to. */
export function Connecting({ orgId, orgName, next }: Connectable & { readonly next: string }) {
  const t = useWords();
  return (
    <ProvedForm
      submit={t('identities.next')}
      send={(proof) => told(api.POST('/api/v1/me/identities', { body: { orgId, ...proof } }))}
      done={({ url }) => goToProvider(url, next)}
    >
      <p>{t('identities.connectMore', { name: orgName })}</p>
    </ProvedForm>
  );
}

function Removing({ identity: { id, orgName }, done }: { readonly identity: Identity; done(): void }) {
  const t = useWords();
  const queries = useQueryClient();
  return (
    <ProvedForm
      submit={t('identities.remove')}
      isGrave
      send={(body) => told(api.POST('/api/v1/me/identities/{id}/remove', { params: { path: { id } }, body }))}
      done={async () => {
        await Promise.all(
          [identitiesQuery, meQuery, sessionsQuery].map(({ queryKey }) => queries.invalidateQueries({ queryKey })),
        );
        done();
      }}
    >
      <p>{t('identities.removeMore', { name: orgName })}</p>
    </ProvedForm>
  );
}
