// A member leaves, or whoever was suspended comes back. The last owner stays: without one nobody could let anybody in.
import { Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type Member, membersKey, membersQuery } from '../api/organization-questions.ts';
import { meQuery, ownKeysQuery } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { colleaguesOf, isInUse, KeysOfLeaver, keysBody, REVOKE } from './keys-of-leaver.tsx';

interface MemberEnd {
  readonly orgId: string;
  readonly member: Member;
  readonly isLastOwner: boolean;
}

type Verb = 'remove' | 'restore';

export function MemberEnd({ orgId, member, isLastOwner }: MemberEnd) {
  const t = useWords();
  const [verb, setVerb] = useState<Verb | null>(null);
  const { name, status } = member;
  const button = (which: Verb) => (
    <Button
      variant="subtle"
      size="xs"
      color={which === 'remove' ? 'red' : 'teal'}
      aria-label={t(`team.${which}.one`, { name })}
      onClick={() => setVerb(which)}
    >
      {t(`team.${which}.verb`)}
    </Button>
  );
  if (isLastOwner) return <div className="quiet last-owner">{t('team.lastOwner')}</div>;
  return (
    <>
      {status === 'suspended' ? button('restore') : null}
      {button('remove')}
      <Dialog opened={verb !== null} close={() => setVerb(null)} title={t(`team.${verb ?? 'remove'}.title`, { name })}>
        {verb === null ? null : <KeysAsked orgId={orgId} member={member} verb={verb} done={() => setVerb(null)} />}
      </Dialog>
    </>
  );
}

interface KeysAsked {
  readonly orgId: string;
  readonly member: Member;
  readonly verb: Verb;
  done(): void;
}

function KeysAsked(asked: KeysAsked) {
  const keys = useQuery(ownKeysQuery(asked.orgId, asked.member.personId));
  return (
    <Asked question={keys} height={140}>
      {({ data }) => <Confirmation {...asked} hasKeys={asked.verb === 'remove' && data.some(isInUse)} />}
    </Asked>
  );
}

interface Confirmation extends KeysAsked {
  readonly hasKeys: boolean;
}

function Confirmation({ orgId, member, verb, hasKeys, done }: Confirmation) {
  const t = useWords();
  const members = useQuery(membersQuery(orgId));
  const queries = useQueryClient();
  const form = useForm({
    initial: { reason: '', keys: REVOKE as string },
    check: ({ reason }) => ({ reason: reason.trim() === '' ? t('fields.reason') : null }),
    send: ({ reason, keys }) => {
      const { personId, version } = member;
      const params = { path: { orgId, personId }, header: { 'If-Match': `"${version}"` } };
      const status = verb === 'remove' ? 'removed' : 'active';
      const body = { status, reason: reason.trim(), ...keysBody(keys, hasKeys) } as const;
      return told(api.PATCH('/api/v1/organizations/{orgId}/members/{personId}', { params, body }));
    },
    done: async () => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: membersKey(orgId) }),
        queries.invalidateQueries(meQuery),
      ]);
      done();
    },
  });
  return (
    <Form
      form={form}
      submit={t(`team.${verb}.verb`)}
      isGrave={verb === 'remove'}
      beside={
        <Button variant="default" onClick={done}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <p>{t(`team.${verb}.effect`)}</p>
      {hasKeys ? (
        <KeysOfLeaver input={form.input('keys')} colleagues={colleaguesOf(member.personId, members.data ?? [])} />
      ) : null}
      <TextInput {...form.input('reason')} label={t('keys.reason')} maxLength={500} data-autofocus />
    </Form>
  );
}
