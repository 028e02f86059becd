import { Column, Entity, PrimaryColumn } from 'typeorm';
import { int, text } from '../columns.js';

/** The last version of a stream that a projection has applied; written in the same transaction as its effects. */
@Entity({ schema: 'read', name: 'projection_positions' })
export class ProjectionPositionRow {
  @PrimaryColumn(text('projection'))
  projection: string;

  @PrimaryColumn(text('stream_id'))
  streamId: string;

  @Column(int('version'))
  version: number;
}
