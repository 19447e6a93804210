// Where a process can be looked at as Temporal has it, which not every installation shows.
import { Anchor } from '@mantine/core';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';

export function ToWorkflow({ id }: { readonly id: string }) {
  const t = useWords();
  const { temporalUiUrl } = useMe();
  if (temporalUiUrl === null) return null;
  return <Anchor href={`${temporalUiUrl}/${encodeURIComponent(id)}`}>{t('file.workflow')}</Anchor>;
}
