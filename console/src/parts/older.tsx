// What a list does not show yet. A link, since it leads to more and changes nothing: it is there for those, too, who look at the pages of a customer,
// where all buttons are off (parts/viewing.tsx).
import { Button } from '@mantine/core';
import { useWords } from '../messages/language.ts';

interface Older {
  readonly list: { readonly hasNextPage: boolean; readonly isFetchingNextPage: boolean; fetchNextPage(): unknown };
}

export function Older({ list }: Older) {
  const t = useWords();
  if (!list.hasNextPage) return null;
  return (
    <Button
      component="a"
      href="#older"
      variant="default"
      size="xs"
      loading={list.isFetchingNextPage}
      onClick={(event) => {
        event.preventDefault();
        if (!list.isFetchingNextPage) void list.fetchNextPage();
      }}
    >
      {t('billing.older')}
    </Button>
  );
}
