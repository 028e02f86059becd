import type { RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/**
 * Lets the errors of batch handlers reach the consumer as they are: `@UseFilters(HandlerErrorFilter)` on the controller. Without it Nest
 * logs them itself and hands on "Internal server error"; what is tried again and what is poison stays the same, only the reason shown
 * in health and logs is poorer.
 */
export class HandlerErrorFilter implements RpcExceptionFilter<unknown> {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}
