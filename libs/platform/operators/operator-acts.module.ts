import { Controller, Get, Inject, Module, Param, Query, type DynamicModule } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { apiProblems } from '../api-problems.js';
import { ProblemError } from '../problem.js';
import { OperatorActs } from './operator-acts.js';
import { ActIdDto, InspectedActDto, ListActsDto, OperatorActsDto } from './operator-acts.dto.js';

const ACT_PROBLEMS = { 'operator-act-not-found': [404, 'There is no such act'] } as const;

@ApiTags('operators')
@Controller('operator-acts')
export class OperatorActsController {
  constructor(@Inject(OperatorActs) private readonly acts: OperatorActs) {}

  @Get()
  @ApiOperation({
    summary: 'What operators did, newest first',
    description: 'Through any app: who, when, what, why, by which filter, and on how many. The record is only ever added to.',
  })
  @ApiResponse({ status: 200, type: OperatorActsDto })
  @apiProblems({}, ['validation-failed', 'malformed-request', 'unavailable'])
  async list(@Query() filter: ListActsDto): Promise<OperatorActsDto> {
    return { items: await this.acts.list(filter) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One of them, with what came of it; also while it is being carried out' })
  @ApiResponse({ status: 200, type: InspectedActDto })
  @apiProblems(ACT_PROBLEMS, ['validation-failed', 'malformed-request', 'operator-act-not-found', 'unavailable'])
  async inspect(@Param() { id }: ActIdDto): Promise<InspectedActDto> {
    const act = await this.acts.inspect(id);
    if (act !== undefined) return act as InspectedActDto;
    const [status, title] = ACT_PROBLEMS['operator-act-not-found'];
    throw new ProblemError(status, 'operator-act-not-found', title, `Nobody ever did ${id}.`);
  }
}

/** The record of operators' acts over HTTP, for every app through which operators act. */
@Module({})
export class OperatorActsModule {
  static with(acts: OperatorActs): DynamicModule {
    return {
      module: OperatorActsModule,
      controllers: [OperatorActsController],
      providers: [{ provide: OperatorActs, useValue: acts }],
      exports: [OperatorActs],
    };
  }
}
