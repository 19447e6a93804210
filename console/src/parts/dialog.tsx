// A dialog over the page: it takes the focus and gives it back, and closes by Escape and its cross, unless what it shows would be lost by that.
// It is there, with the focus, before the next key is pressed: who opens it by a letter goes on writing (D121).
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

/** Mantine would put it into the page a frame later, and the letters in between would be keys of the page. A style lets it appear. */
const AT_ONCE = { duration: 0 };

export function Dialog({ opened, title, isWide = false, isKept = false, close, children }: Dialog) {
  const t = useWords();
  return (
    // Its lock would write a style into the page (D93): styles/ keeps the page behind where it is.
    <Modal.Root
      opened={opened}
      onClose={close}
      lockScroll={false}
      transitionProps={AT_ONCE}
      returnFocus={false}
      closeOnEscape={!isKept}
      closeOnClickOutside={false}
      centered
      size={isWide ? 'lg' : 'md'}
      radius="lg"
      padding="lg"
    >
      <Modal.Overlay />
      <Modal.Content ref={takeFocus} className="dialog">
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

/** Mantine's trap takes it as well, by a timer: on a machine that is busy what is typed until then would be lost. */
function takeFocus(content: HTMLElement | null): (() => void) | undefined {
  if (content === null) return undefined;
  const before = document.activeElement;
  (content.querySelector<HTMLElement>('[data-autofocus]') ?? content).focus({ preventScroll: true });
  return () => {
    const isHere = content.contains(document.activeElement) || document.activeElement === document.body;
    if (isHere && before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
}
