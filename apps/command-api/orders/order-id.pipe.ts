import { Injectable, type PipeTransform } from '@nestjs/common';
import { notFound } from '../problems.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Order ids are ours and are UUIDs: anything else names no order. */
@Injectable()
export class OrderIdPipe implements PipeTransform<string, string> {
  transform(raw: string): string {
    if (!UUID.test(raw)) throw notFound('order.not-found', 'there is no such order');
    return raw.toLowerCase();
  }
}
