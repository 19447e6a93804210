// The way back for somebody whose account has another mail address, and not by his will.
import { api, told } from '../api/client.ts';
import { useWords } from '../messages/language.ts';
import { NewPasswordByLink } from '../parts/new-password-by-link.tsx';

export function MailBack() {
  const t = useWords();
  return (
    <NewPasswordByLink
      words={{
        ...{ title: t('mailBack.title'), lead: t('mailBack.lead'), submit: t('mailBack.submit') },
        ...{ done: t('mailBack.done'), doneMore: t('mailBack.doneMore') },
      }}
      send={(body) => told(api.POST('/api/v1/mail-changes/undo', { body }))}
    />
  );
}
