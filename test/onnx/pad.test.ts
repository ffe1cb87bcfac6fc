import { expect, it } from 'vitest'
import { type Dim, GraphBuilder, inferShapes } from '../../src/onnx/index.ts'
import { range, runModel } from './run-model.ts'

function padded(dims: readonly Dim[], pads: readonly number[]) {
  const graph = new GraphBuilder('test')
  graph.output(graph.op('Pad', [graph.input('x', 'float32', dims), graph.constant(pads)]), 'y')
  return graph.build()
}

it('Pad adds zeros, and takes cells away, as ONNX Runtime does', async () => {
  const model = padded([1, 2, 'H', 2], [0, 0, 0, -1, 0, 1, 1, 0])
  expect(model.graph.outputs[0]?.dims).toEqual([1, 3, 'H+1', 1])
  const { y } = await runModel(model, { x: [range(4), [1, 2, 1, 2]] })
  expect(y).toEqual({ dims: [1, 3, 2, 1], data: [1, 0, 3, 0, 0, 0] })
  expect(inferShapes(model, { x: [1, 2, 1, 2] }).get('y')).toEqual([1, 3, 2, 1])
})

it('Pad refuses pads that do not fit', () => {
  const invalid = expect.objectContaining({ code: 'GRAPH_INVALID' })
  expect(() => padded([1, 2], [0, 1])).toThrow(/4 pads for Pad node "Pad" but received \[0, 1\]/)
  expect(() => padded([1, 2], [0, -1, 0, -2])).toThrow(/sizes of 0 and more.*\[1, -1\]/)
  expect(() => padded([1, 2], [0, 1])).toThrow(invalid)
  const graph = new GraphBuilder('test')
  const x = graph.input('x', 'float32', [1, 2])
  const axes = [x, graph.constant([1, 1]), undefined, graph.constant([0])]
  expect(() => graph.op('Pad', axes)).toThrow(/4 pads/)
  expect(() => graph.op('Pad', [x, graph.constant([1, 1, 1, 1]), undefined, graph.constant([0])])).toThrow(
    /pads of all/,
  )
  expect(() => graph.op('Pad', [x, graph.input('p', 'int64', [4])])).toThrow(/input 1 to be constant/)
})
