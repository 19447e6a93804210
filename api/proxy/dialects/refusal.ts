// Says no to a body before anybody was asked. The message tells the caller what to change.
import { type ErrorCode, TollgateError } from '../../../domain/errors.ts';

export function refuse(code: ErrorCode, message: string): never {
  throw new TollgateError(code, { message });
}

export function refuseValue(param: string, message: string): never {
  throw new TollgateError('invalid_value', { message, param });
}
