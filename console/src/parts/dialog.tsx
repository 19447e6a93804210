// A dialog over the page: it takes the focus and gives it back, and closes by Escape and its cross, unless what it shows would be lost by that.
import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useWords } from '../messages/language.ts';

interface Dialog {
  readonly opened: boolean;
  readonly title: string;
  readonly isWide?: boolean;
  /** By its own buttons alone. */
  readonly isKept?: boolean;
  close(): void;
  readonly children: ReactNode;
}

export function Dialog({ opened, title, isWide = false, isKept = false, close, children }: Dialog) {
  const t = useWords();
  return (
    // Its lock would write a style into the page (D93): styles/ keeps the page behind where it is.
    <Modal.Root
      opened={opened}
      onClose={close}
      lockScroll={false}
      closeOnEscape={!isKept}
      closeOnClickOutside={false}
      centered
      size={isWide ? 'lg' : 'md'}
      radius="lg"
      padding="lg"
    >
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body>
          {/* No Modal.Header: to a screen reader it would be the head of the page. */}
          <div className="dialog-head">
            <Modal.Title>{title}</Modal.Title>
            {isKept ? null : <Modal.CloseButton aria-label={t('keys.close')} />}
          </div>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
