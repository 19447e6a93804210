// What a list does not show yet.
import { Button } from '@mantine/core';
import { useWords } from '../messages/language.ts';

interface Older {
  readonly list: { readonly hasNextPage: boolean; readonly isFetchingNextPage: boolean; fetchNextPage(): unknown };
}

export function Older({ list }: Older) {
  const t = useWords();
  if (!list.hasNextPage) return null;
  return (
    <Button variant="default" size="xs" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
      {t('billing.older')}
    </Button>
  );
}
