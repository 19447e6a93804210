// The message and the stack of a failure are encrypted like everything else that a history keeps.
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
