// What somebody sets for himself: how it looks, in which language, and that he is done for today.
import {
  ActionIcon,
  Button,
  type MantineColorScheme,
  Popover,
  SegmentedControl,
  useMantineColorScheme,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { meQuery, useMe } from '../api/questions.ts';
import { type Language, speak, spoken, useWords } from '../messages/language.ts';
import { PersonIcon } from './icons.tsx';

const SCHEMES: readonly MantineColorScheme[] = ['light', 'dark', 'auto'];
const LANGUAGES: readonly { readonly value: Language; readonly label: string }[] = [
  { value: 'en', label: 'English' },
  { value: 'zh', label: '中文' },
];

export function PersonMenu() {
  const t = useWords();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useMutation({
    mutationFn: () => told(api.POST('/api/v1/sign-outs', { body: {} })),
    onSettled: async () => {
      queries.clear();
      sessionStorage.clear();
      await navigate({ to: '/sign-in' });
    },
  });
  const talk = useMutation({
    mutationFn: async (locale: Language) => {
      await speak(locale);
      return told(api.PATCH('/api/v1/me', { body: { locale } }));
    },
    onSuccess: () => queries.invalidateQueries(meQuery),
  });
  return (
    <Popover position="bottom-end" shadow="md" trapFocus returnFocus withinPortal={false}>
      <Popover.Target>
        <ActionIcon variant="default" size="lg" radius="xl" aria-label={t('shell.you', { name: me.name })}>
          <PersonIcon size={18} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className="person-menu" aria-label={t('shell.you', { name: me.name })}>
        <p className="person">
          <span className="person-name">{me.name}</span>
          <span className="quiet">{me.email}</span>
        </p>
        <Choice
          label={t('shell.looks')}
          value={colorScheme}
          options={SCHEMES.map((scheme) => ({ value: scheme, label: t(`shell.scheme.${scheme}`) }))}
          choose={setColorScheme}
        />
        <Choice label={t('shell.language')} value={spoken()} options={LANGUAGES} choose={talk.mutate} />
        <Button variant="default" renderRoot={(props) => <Link to="/account" {...props} />}>
          {t('account.title')}
        </Button>
        <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
          {t('shell.signOut')}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}

interface Choice<V extends string> {
  readonly label: string;
  readonly value: V;
  readonly options: readonly { readonly value: V; readonly label: string }[];
  choose(value: V): void;
}

function Choice<V extends string>({ label, value, options, choose }: Choice<V>) {
  return (
    <div>
      <p className="quiet">{label}</p>
      <SegmentedControl aria-label={label} fullWidth size="xs" value={value} data={[...options]} onChange={choose} />
    </div>
  );
}
