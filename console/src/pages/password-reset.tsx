// A new password for whoever has forgotten the one before.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { useWords } from '../messages/language.ts';
import { NewPasswordByLink } from '../parts/new-password-by-link.tsx';

export function PasswordReset() {
  const t = useWords();
  return (
    <NewPasswordByLink
      words={{
        ...{ title: t('reset.title'), lead: t('reset.lead'), submit: t('reset.submit') },
        ...{ done: t('reset.done'), doneMore: t('reset.doneMore') },
      }}
      send={(body) => told(api.POST('/api/v1/password-resets/confirm', { body }))}
      aside={
        <p className="aside">
          <Anchor renderRoot={(props) => <Link to="/forgotten-password" {...props} />}>{t('reset.again')}</Anchor>
        </p>
      }
    />
  );
}
