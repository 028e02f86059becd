import { normalizeSku } from '#domain';
import { platformProblem } from '#platform';
import { Injectable, type PipeTransform } from '@nestjs/common';
import { isSku, SKU_RULE } from '../commands/fields.js';

/** The SKU of an address in its one spelling. */
@Injectable()
export class SkuPipe implements PipeTransform<string, string> {
  transform(raw: string): string {
    if (isSku(raw)) return normalizeSku(raw);
    const message = `sku ${SKU_RULE}`;
    throw platformProblem('validation-failed', message, { errors: [{ path: 'sku', message }] });
  }
}

export const stockLocation = (sku: string): string => `/stock/${encodeURIComponent(sku)}`;
