// Another role or other caps for a member. Whatever is changed works at once.
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type Member, membersKey } from '../api/organization-questions.ts';
import { meQuery } from '../api/questions.ts';
import { CAPS } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';
import { dollarsOf, nanoOf } from '../money.ts';
import { ROLES } from '../rights.ts';
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
        {CAPS.map(([field, period]) => (
          <TextInput
            key={field}
            {...form.input(field)}
            label={t(`bounds.cap.${period}`)}
            leftSection="$"
            inputMode="decimal"
            autoComplete="off"
          />
        ))}
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
  const has = (period: string) => dollarsOf(caps.find((cap) => cap.period === period)?.amountNano ?? null);
  return useForm({
    initial: {
      role,
      ...{ capDay: has('day'), capWeek: has('week'), capMonth: has('month'), capTotal: has('total') },
    },
    check: (entered) => {
      const wrong = CAPS.filter(([field]) => entered[field].trim() !== '' && nanoOf(entered[field]) === null);
      return Object.fromEntries(wrong.map(([field]) => [field, t(`fields.${field}`)]));
    },
    send: (entered) => {
      const wanted = CAPS.flatMap(([field, period]) => {
        const amountNano = nanoOf(entered[field]);
        return amountNano === null ? [] : [{ period, amountNano }];
      });
      const params = { path: { orgId, personId }, header: { 'If-Match': `"${version}"` } };
      const body = { role: entered.role, caps: wanted };
      return told(api.PATCH('/api/v1/organizations/{orgId}/members/{personId}', { params, body }));
    },
    done: async () => {
      // He may have changed what he himself may do here.
      await Promise.all([queries.invalidateQueries({ queryKey: membersKey(orgId) }), queries.invalidateQueries(meQuery)]);
      done();
    },
  });
}
