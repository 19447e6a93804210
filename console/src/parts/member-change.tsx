// Another role or other caps for a member. Whatever is changed works at once.
import { Button, NativeSelect } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type Member, membersKey } from '../api/organization-questions.ts';
import { meQuery } from '../api/questions.ts';
import { capsBody, enteredCaps, wrongCaps } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import { ROLES } from '../rights.ts';
import { CapInputs } from './cap-inputs.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';

interface MemberChange {
  readonly orgId: string;
  readonly member: Member;
  readonly isLastOwner: boolean;
}

export function MemberChange(props: MemberChange) {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  const { name } = props.member;
  return (
    <>
      <Button variant="subtle" size="xs" aria-label={t('team.change.one', { name })} onClick={() => setOpen(true)}>
        {t('team.change.verb')}
      </Button>
      <Dialog opened={isOpen} close={() => setOpen(false)} title={t('team.change.one', { name })}>
        <ChangeForm {...props} done={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function ChangeForm({ orgId, member, isLastOwner, done }: MemberChange & { done(): void }) {
  const t = useWords();
  const form = useChange(orgId, member, done);
  return (
    <Form
      form={form}
      submit={t('team.change.submit')}
      beside={
        <Button variant="default" onClick={done}>
          {t('keys.cancel')}
        </Button>
      }
    >
      <NativeSelect
        {...form.input('role')}
        label={t('team.role')}
        description={isLastOwner ? t('team.lastOwner') : t(`team.may.${form.values.role}`)}
        disabled={isLastOwner}
        data={ROLES.map((role) => ({ value: role, label: t(`join.role.${role}`) }))}
      />
      <fieldset className="caps-form">
        <legend>{t('bounds.caps')}</legend>
        <CapInputs input={form.input} />
      </fieldset>
      <p className="quiet">{t('team.capsMore')}</p>
    </Form>
  );
}

function useChange(orgId: string, { personId, role, caps, ...member }: Member, done: () => void) {
  const t = useWords();
  // Of when it was opened, not what somebody wrote meanwhile.
  const [version] = useState(member.version);
  const queries = useQueryClient();
  return useForm({
    initial: { role, ...enteredCaps(caps) },
    check: (entered) => Object.fromEntries(wrongCaps(entered).map((field) => [field, t(`fields.${field}`)])),
    send: (entered) => {
      const params = { path: { orgId, personId }, header: { 'If-Match': `"${version}"` } };
      const body = { role: entered.role, caps: capsBody(entered) };
      return told(api.PATCH('/api/v1/organizations/{orgId}/members/{personId}', { params, body }));
    },
    done: async () => {
      // He may have changed what he himself may do here.
      await Promise.all([
        queries.invalidateQueries({ queryKey: membersKey(orgId) }),
        queries.invalidateQueries(meQuery),
      ]);
      done();
    },
  });
}
