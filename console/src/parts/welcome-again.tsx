// The link by which a new enterprise makes its first API key: whether it was used, and another one for owners whose link has expired or got lost.
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import type { ApplicationFile } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { ProblemNote } from './problem-note.tsx';

interface WelcomeAgain {
  readonly file: ApplicationFile;
  done(): Promise<unknown>;
}

export function WelcomeAgain({ file: { id, welcome }, done }: WelcomeAgain) {
  const t = useWords();
  const again = useMutation({
    mutationFn: () => told(api.POST('/api/v1/applications/{id}/welcomes', { params: { path: { id } }, body: {} })),
    onSettled: done,
  });
  if (welcome === null) return null;
  return (
    <section className="part" aria-labelledby="welcome">
      <h2 id="welcome">{t('welcome.title')}</h2>
      <p role="status">{again.isSuccess ? t('welcome.sent') : t(`welcome.is.${welcome}`)}</p>
      <ProblemNote thrown={again.error} />
      {welcome === 'used' ? null : (
        <div className="form-end">
          <Button variant="default" loading={again.isPending} onClick={() => again.mutate()}>
            {t('welcome.again')}
          </Button>
        </div>
      )}
    </section>
  );
}
