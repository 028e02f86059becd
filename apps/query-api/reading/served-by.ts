import { SetMetadata } from '@nestjs/common';
import type { Source } from './projections.js';

export const SERVED_BY = 'tidemark:served-by';

/** Names what an answer is made of: what a consistency token is waited for, and whose freshness the answer tells. */
export const ServedBy = (...sources: [Source, ...Source[]]): MethodDecorator & ClassDecorator => SetMetadata(SERVED_BY, sources);
