// Somebody's provider has named him, and he has an account here: by the link of our mail he says that it is he.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { useLinkProof } from '../link-proof.ts';
import { useWords } from '../messages/language.ts';
import { ConfirmedByLink } from '../parts/confirmed-by-link.tsx';

export function Connect() {
  const t = useWords();
  const proof = useLinkProof();
  return (
    <ConfirmedByLink
      words={{
        ...{ title: t('connect.title'), lead: t('connect.lead'), submit: t('connect.submit') },
        ...{ done: t('connect.done'), doneMore: t('connect.doneMore') },
      }}
      send={() => told(api.POST('/api/v1/identity-links/confirm', { body: { token: proof } }))}
      onward={<Anchor renderRoot={(props) => <Link to="/single-sign-on" {...props} />}>{t('signOn.title')}</Anchor>}
    />
  );
}
