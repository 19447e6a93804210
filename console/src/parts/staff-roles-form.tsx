// The roles of somebody who works for us, or shall: he has an account already, is found by its mail address, and nothing is done before another admin agrees.
import { Alert, Button, Input, Textarea, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { Problem } from '../api/problem.ts';
import { inboxQuery, proposalsQuery, type StaffMember, type StaffRole, staffQuery } from '../api/staff-questions.ts';
import { isMailAddress } from '../entered.ts';
import { useWords } from '../messages/language.ts';
import { Waits } from './act.tsx';
import { type FieldInput, Form, useForm } from './form.tsx';

const ROLES: readonly StaffRole[] = ['support', 'business', 'ops', 'admin'];

interface StaffRolesForm {
  /** Null: somebody who is none of us yet. */
  readonly about: StaffMember | null;
  close(): void;
}

export function StaffRolesForm({ about, close }: StaffRolesForm) {
  const t = useWords();
  const queries = useQueryClient();
  const [attemptId] = useState(() => crypto.randomUUID());
  const before = textOf(about?.staffRoles ?? []);
  const form = useForm({
    initial: { email: about?.email ?? '', roles: before, reason: '' },
    keptAs: `staff-roles:${about?.personId ?? 'somebody'}`,
    check: ({ email, roles, reason }) => ({
      email: isMailAddress(email) ? null : t('fields.email'),
      roles: roles === before ? t(`people.wrong.${about === null ? 'none' : 'same'}`) : null,
      reason: reason.trim() === '' ? t('fields.reason') : null,
    }),
    async send({ email, roles, reason }) {
      const id = about?.personId ?? (await personOf(email.trim()));
      const params = { path: { id }, header: { 'Idempotency-Key': attemptId } };
      const body = { roles: rolesIn(roles), reason: reason.trim() };
      await told(api.POST('/api/v1/persons/{id}/staff-roles', { params, body }));
    },
    done: () =>
      Promise.all([
        queries.invalidateQueries(staffQuery),
        queries.invalidateQueries(proposalsQuery),
        queries.invalidateQueries(inboxQuery),
      ]),
  });
  if (form.isDone) return <Waits says={t('people.proposed')} close={close} />;
  return (
    <Form
      form={form}
      submit={t('people.submit')}
      beside={
        <Button variant="default" onClick={close}>
          {t('keys.cancel')}
        </Button>
      }
    >
      {about === null ? (
        <TextInput
          {...form.input('email')}
          label={t('people.email')}
          description={t('people.emailMore')}
          type="email"
          maxLength={254}
          autoComplete="off"
          data-autofocus
        />
      ) : null}
      <Roles input={form.input('roles')} choose={(roles) => form.put('roles', textOf(roles))} />
      {about === null ? null : <p className="quiet">{t('people.none')}</p>}
      <Textarea {...form.input('reason')} label={t('keys.reason')} maxLength={500} rows={2} />
      <TakesTwo />
    </Form>
  );
}

/** @throws Problem where nobody has it */
async function personOf(email: string): Promise<string> {
  const { data } = await told(api.GET('/api/v1/persons', { params: { query: { email } } }));
  const [person] = data;
  if (person === undefined) throw Problem.ofField('unknown_person', 'email');
  return person.id;
}

/** As a field of a form has them: always in the same order. */
function textOf(roles: readonly StaffRole[]): string {
  return ROLES.filter((role) => roles.includes(role)).join(' ');
}

function rolesIn(text: string): StaffRole[] {
  return ROLES.filter((role) => text.split(' ').includes(role));
}

interface Roles {
  readonly input: FieldInput;
  choose(roles: readonly StaffRole[]): void;
}

function Roles({ input: { id, value, error }, choose }: Roles) {
  const t = useWords();
  const chosen = rolesIn(value);
  const said = `${id}-error`;
  return (
    <fieldset className="ticks" aria-describedby={said}>
      <legend>{t('people.roles')}</legend>
      {ROLES.map((role, at) => (
        <label key={role}>
          <input
            // Where whoever has to choose otherwise is led.
            {...(at === 0 ? { id } : {})}
            type="checkbox"
            checked={chosen.includes(role)}
            onChange={({ currentTarget: { checked } }) =>
              choose(ROLES.filter((one) => (one === role ? checked : chosen.includes(one))))
            }
          />
          <span>
            {t(`people.role.${role}`)} <span className="quiet">{t(`people.may.${role}`)}</span>
          </span>
        </label>
      ))}
      <Input.Error id={said}>{error}</Input.Error>
    </fieldset>
  );
}

/** Of one admin there is nobody to agree. */
function TakesTwo() {
  const t = useWords();
  const people = useQuery(staffQuery).data?.data ?? [];
  const isAlone = people.filter(({ staffRoles }) => staffRoles.includes('admin')).length === 1;
  return (
    <Alert color="yellow" role="note">
      {isAlone ? t('people.alone') : t('people.two')}
    </Alert>
  );
}
