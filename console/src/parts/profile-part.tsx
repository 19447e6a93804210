// What somebody is called, and in which language and time zone he reads.
import { NativeSelect, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { meQuery, useMe } from '../api/questions.ts';
import { speak, useWords } from '../messages/language.ts';
import { Form, useForm } from './form.tsx';

const LANGUAGES = [
  { value: 'en', label: 'English' },
  { value: 'zh', label: '中文' },
];

export function ProfilePart() {
  const t = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({
    initial: { name: me.name, locale: me.locale, timeZone: me.timeZone },
    keptAs: 'profile',
    check: ({ name }) => ({ name: name.trim() === '' ? t('fields.name') : null }),
    send: ({ name, locale, timeZone }) =>
      told(api.PATCH('/api/v1/me', { body: { name: name.trim(), locale, timeZone } })),
    done: async (_, { locale }) => {
      await Promise.all([speak(locale), queries.invalidateQueries(meQuery)]);
    },
  });
  return (
    <section className="part" aria-labelledby="profile">
      <h2 id="profile">{t('profile.title')}</h2>
      <Form form={form} submit={t('profile.save')} beside={<Saved isSaved={form.isDone} />}>
        <TextInput {...form.input('name')} label={t('signUp.name')} autoComplete="name" maxLength={200} />
        <NativeSelect {...form.input('locale')} label={t('shell.language')} data={LANGUAGES} />
        <NativeSelect {...form.input('timeZone')} label={t('profile.timeZone')} data={zonesWith(me.timeZone)} />
      </Form>
    </section>
  );
}

/** Those that the browser knows, and his own, whether or not it does. */
function zonesWith(own: string): string[] {
  return [...new Set([own, 'UTC', ...Intl.supportedValuesOf('timeZone')])].sort();
}

export function Saved({ isSaved }: { readonly isSaved: boolean }) {
  const t = useWords();
  return (
    <span role="status" className="saved">
      {isSaved ? t('profile.saved') : ''}
    </span>
  );
}
