// After an account was closed: what happens now, and for whoever has followed the link of our mail, the way back.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { api, told } from '../api/client.ts';
import { useLinkProof } from '../link-proof.ts';
import { useWords } from '../messages/language.ts';
import { ConfirmedByLink } from '../parts/confirmed-by-link.tsx';
import { PageHeading } from '../parts/page-heading.tsx';

export function Reopen() {
  const t = useWords();
  const proof = useLinkProof();
  if (proof === '') return <PageHeading title={t('reopen.closed')} lead={t('reopen.closedMore')} />;
  return (
    <ConfirmedByLink
      words={{
        ...{ title: t('reopen.title'), lead: t('reopen.lead'), submit: t('reopen.submit') },
        ...{ done: t('reopen.done'), doneMore: t('reopen.lead') },
      }}
      send={() => told(api.POST('/api/v1/account-reopenings', { body: { token: proof } }))}
      onward={<Anchor renderRoot={(props) => <Link to="/sign-in" {...props} />}>{t('signIn.title')}</Anchor>}
    />
  );
}
