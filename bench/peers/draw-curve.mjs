// Draws a curve: its description comes as JSON on stdin, the SVG goes to stdout.
import { json } from 'node:stream/consumers';
import { View, parse } from 'vega';
import { compile } from 'vega-lite';

const { title, x, y, logarithmic, points } = await json(process.stdin);
const { spec } = compile({
  width: 640,
  height: 320,
  background: 'white',
  title,
  data: { values: points },
  mark: { type: 'line', point: true },
  encoding: {
    x: { field: 'x', type: 'quantitative', title: x, ...(logarithmic && { scale: { type: 'symlog' } }) },
    y: { field: 'y', type: 'quantitative', title: y, scale: { zero: true } },
    color: { field: 'series', type: 'nominal', title: null },
  },
});
process.stdout.write(`${await new View(parse(spec), { renderer: 'none' }).toSVG()}\n`);
