// Where somebody belongs, and the way out: what becomes of his API keys there is said with it.
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Me } from '../api/answers.ts';
import { api, told } from '../api/client.ts';
import { type Member, membersQuery } from '../api/organization-questions.ts';
import { meQuery, ownKeysQuery, useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { colleaguesOf, isInUse, KeysOfLeaver, keysBody, REVOKE } from './keys-of-leaver.tsx';

type Membership = Me['memberships'][number];

export function OrganizationsPart() {
  const t = useWords();
  const { memberships } = useMe();
  const [leaving, setLeaving] = useState<Membership | null>(null);
  const close = () => setLeaving(null);
  if (memberships.length === 0) return null;
  return (
    <section className="part" aria-labelledby="organizations">
      <h2 id="organizations">{t('organizations.title')}</h2>
      <ul className="sessions">
        {memberships.map((one) => (
          <li key={one.orgId}>
            <div>
              <p>{one.orgName}</p>
              <p className="quiet">{t(`join.role.${one.role}`)}</p>
            </div>
            <Button
              variant="subtle"
              color="red"
              size="xs"
              aria-label={t('organizations.leaveOne', { name: one.orgName })}
              onClick={() => setLeaving(one)}
            >
              {t('organizations.leave')}
            </Button>
          </li>
        ))}
      </ul>
      <Dialog
        opened={leaving !== null}
        close={close}
        title={t('organizations.leaveTitle', { name: leaving?.orgName ?? '' })}
      >
        {leaving === null ? null : <Leaving membership={leaving} done={close} />}
      </Dialog>
    </section>
  );
}

interface Leaving {
  readonly membership: Membership;
  done(): void;
}

function Leaving({ membership, done }: Leaving) {
  const t = useWords();
  const { id } = useMe();
  const { orgId, role } = membership;
  const members = useQuery(membersQuery(orgId));
  const keys = useQuery(ownKeysQuery(orgId, id));
  return (
    <Asked question={members} height={96}>
      {(present) => {
        const colleagues = colleaguesOf(id, present);
        const isLastOwner = role === 'owner' && !colleagues.some((one) => one.role === 'owner');
        if (isLastOwner) return <p>{t('organizations.lastOwner')}</p>;
        return (
          <Asked question={keys} height={96}>
            {(own) => (
              <LeavingForm orgId={orgId} colleagues={colleagues} hasKeys={own.data.some(isInUse)} done={done} />
            )}
          </Asked>
        );
      }}
    </Asked>
  );
}

interface LeavingForm {
  readonly orgId: string;
  readonly colleagues: readonly Member[];
  readonly hasKeys: boolean;
  done(): void;
}

function LeavingForm({ orgId, colleagues, hasKeys, done }: LeavingForm) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { keys: REVOKE as string },
    check: () => ({}),
    send: ({ keys }) => {
      const body = keysBody(keys, hasKeys);
      return told(api.POST('/api/v1/me/memberships/{orgId}/leave', { params: { path: { orgId } }, body }));
    },
    done: async () => {
      await queries.invalidateQueries(meQuery);
      done();
    },
  });
  return (
    <Form
      form={form}
      submit={t('organizations.leave')}
      isGrave
      beside={
        <Button variant="default" onClick={done}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <p>{t('organizations.effect')}</p>
      {hasKeys ? <KeysOfLeaver input={form.input('keys')} colleagues={colleagues} /> : null}
    </Form>
  );
}
