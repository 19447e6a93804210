// The first admin of an installation, by the token that its start printed. After him nobody comes in this way.
import { TextInput } from '@mantine/core';
import { api, told } from '../api/client.ts';
import { enter } from '../enter.ts';
import { useWords } from '../messages/language.ts';
import { Form, useForm } from '../parts/form.tsx';
import { checkPerson, NOBODY_YET, PersonFields, personBody } from '../parts/new-person.tsx';
import { PageHeading } from '../parts/page-heading.tsx';

export function Bootstrap() {
  const t = useWords();
  const form = useForm({
    initial: { bootstrapToken: '', ...NOBODY_YET },
    check: ({ bootstrapToken, ...person }) => ({
      bootstrapToken: bootstrapToken.trim() === '' ? t('fields.empty') : null,
      ...checkPerson(person, t),
    }),
    send: ({ bootstrapToken, ...person }) =>
      told(api.POST('/api/v1/bootstrap', { body: { bootstrapToken: bootstrapToken.trim(), ...personBody(person) } })),
    done: () => enter('/account'),
  });
  return (
    <>
      <PageHeading title={t('bootstrap.title')} lead={t('bootstrap.lead')} />
      <Form form={form} submit={t('signUp.submit')}>
        <TextInput
          {...form.input('bootstrapToken')}
          label={t('bootstrap.secret')}
          autoComplete="off"
          spellCheck={false}
        />
        <PersonFields form={form} />
      </Form>
    </>
  );
}
