import { ApiProperty } from '@nestjs/swagger';

/** What every answer to a command tells of the stream it went to. */
export class CommandAccepted {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Version of the stream; also the ETag.' })
  version: number;

  @ApiProperty({ description: 'Give it to the query API as `consistentWith` to read your own write.' })
  consistencyToken: string;

  @ApiProperty({ format: 'uuid', description: 'Names the command; also the causation id of its events.' })
  commandId: string;
}
