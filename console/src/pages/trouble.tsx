// Where an address leads nowhere, or a page could not be shown: what to do from here.
import { Anchor } from '@mantine/core';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { useWords } from '../messages/language.ts';
import { PageHeading } from '../parts/page-heading.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';

export function NothingHere() {
  const t = useWords();
  return (
    <main className="visitor-page">
      <PageHeading title={t('trouble.nothing')} lead={t('trouble.nothingMore')} />
      <Anchor renderRoot={(props) => <Link to="/" {...props} />}>{t('trouble.home')}</Anchor>
    </main>
  );
}

export function WentWrong({ error }: ErrorComponentProps) {
  const t = useWords();
  return (
    <main className="visitor-page">
      <PageHeading title={t('trouble.wrong')} />
      <ProblemNote thrown={error} onRetry={() => location.reload()} />
    </main>
  );
}
