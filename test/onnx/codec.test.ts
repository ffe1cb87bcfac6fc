import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VertebraError } from '../../src/errors.ts'
import { encodeApart } from '../../src/onnx/codec.ts'
import { decodeModel, encodeModel, float32Of, GraphBuilder, type Model, tensorFrom } from '../../src/onnx/index.ts'
import { integersOf } from '../../src/onnx/tensors.ts'
import { everyOperator, tinyNetwork } from './models.ts'

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/onnx/${name}.onnx`, import.meta.url))

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

function expectInvalid(work: () => unknown, message: RegExp): void {
  expect(thrownBy(work)).toMatchObject({ name: 'VertebraError', code: 'GRAPH_INVALID', message })
}

describe('encodeApart', () => {
  it('leaves large weights in the buffers that they are views of', () => {
    const buffer = new ArrayBuffer(40_000)
    const bytes = (offset: number, length: number): Uint8Array => new Uint8Array(buffer, offset, length)
    const graph = new GraphBuilder('apart')
    const x = graph.input('x', 'float32', [1, 1250])
    const large = graph.initializer('large', { dataType: 'float32', dims: [1250], bytes: bytes(16, 5000) })
    const other = graph.initializer('other', { dataType: 'float32', dims: [1250], bytes: bytes(30_000, 5000) })
    const small = graph.initializer('small', { dataType: 'float32', dims: [1], bytes: bytes(0, 4) })
    graph.output(graph.add(graph.add(graph.add(x, large), other), small), 'y')
    const model = graph.build()
    const { file, weights } = encodeApart(model)
    expect(file.length).toBeLessThan(1000)
    expect([...weights.keys()]).toEqual(['weights-0'])
    expect(weights.get('weights-0')?.buffer).toBe(buffer)
    const text = Buffer.from(file).toString('latin1')
    for (const place of ['16', '30000']) expect(text).toMatch(new RegExp(`offset.{2}${place}.*length.{2}5000`, 's'))
    expectInvalid(() => decodeModel(file), /external data/)
  })
})

describe('encodeModel and decodeModel', () => {
  it('give back the model, with every kind of attribute', () => {
    const model = everyOperator()
    const [first, ...nodes] = model.graph.nodes
    if (!first) throw new Error('no nodes')
    const attributes = {
      ...first.attributes,
      floats: { kind: 'floats', value: [0.5, -2] },
      strings: { kind: 'strings', value: ['é', ''] },
      empty: { kind: 'string', value: '' },
      none: { kind: 'ints', value: [] },
      negative: { kind: 'int', value: -3 },
      large: { kind: 'int', value: 2 ** 53 - 1 },
      tensor: { kind: 'tensor', value: tensorFrom(new Uint8Array([1, 2])) },
      __proto__: { kind: 'int', value: 1 },
    } as const
    const full: Model = {
      ...model,
      metadata: { author: 'a', ['__proto__']: 'b' },
      graph: { ...model.graph, nodes: [{ ...first, attributes }, ...nodes] },
    }
    const bytes = encodeModel(full)
    expect(decodeModel(bytes)).toEqual(full)
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes)
  })

  it('is deterministic', () => {
    expect(encodeModel(tinyNetwork())).toEqual(encodeModel(tinyNetwork()))
  })

  it('gives weights as views into the file', () => {
    const bytes = encodeModel(tinyNetwork())
    const weight = decodeModel(bytes).graph.initializers.get('conv1.weight')
    expect(weight?.bytes.buffer).toBe(bytes.buffer)
    expect(weight && float32Of(weight)).toEqual(
      float32Of(tinyNetwork().graph.initializers.get('conv1.weight') ?? tensorFrom(new Float32Array())),
    )
  })

  it('reads a file at an odd place of a larger buffer', () => {
    const bytes = encodeModel(tinyNetwork())
    for (const offset of [1, 2, 3]) {
      const moved = new Uint8Array(bytes.length + 4)
      moved.set(bytes, offset)
      const model = decodeModel(moved.subarray(offset, offset + bytes.length))
      for (const [name, tensor] of tinyNetwork().graph.initializers) {
        const read = model.graph.initializers.get(name)
        expect(read && float32Of(read)).toEqual(float32Of(tensor))
      }
    }
  })

  it('reads what the onnx package writes: typed fields, unknown fields, initializers that are inputs', () => {
    const { graph, metadata, producer } = decodeModel(fixture('typed-fields'))
    const numbers = (name: string): number[] => {
      const tensor = graph.initializers.get(name)
      if (!tensor) throw new Error(`no ${name}`)
      const { buffer, byteOffset, byteLength } = tensor.bytes.slice()
      if (tensor.dataType === 'float32') return [...new Float32Array(buffer, byteOffset, byteLength / 4)]
      if (tensor.dataType === 'float64') return [...new Float64Array(buffer, byteOffset, byteLength / 8)]
      if (tensor.dataType === 'int8') return [...new Int8Array(buffer)]
      if (tensor.dataType === 'float16') return [...new Uint16Array(buffer)]
      return integersOf(tensor) ?? [...tensor.bytes]
    }
    expect(numbers('float32')).toEqual([1.5, -2.25, Math.fround(3e-8)])
    expect(numbers('float64')).toEqual([1.5, -2.25, 1e300])
    expect(numbers('int64')).toEqual([1, -1, 2 ** 62])
    expect(numbers('int32')).toEqual([1, -1, 2 ** 31 - 1])
    expect(numbers('int8')).toEqual([1, -1, -128])
    expect(numbers('uint8')).toEqual([1, 0, 255])
    expect(numbers('bool')).toEqual([1, 0, 1])
    expect(numbers('float16')).toEqual([0x3c00, 0xc000, 0x7bff])
    expect(graph.inputs).toEqual([{ name: 'x', dataType: 'float32', dims: ['N', '', 3] }])
    expect(metadata).toEqual({ author: 'a tëst' })
    expect(producer).toBe('onnx')
    expect(graph.nodes.at(-1)?.attributes).toMatchObject({ value: { kind: 'tensor', value: { dims: [2] } } })
  })
})

describe('decodeModel and encodeModel refuse with GRAPH_INVALID', () => {
  const bytes = encodeModel(tinyNetwork())

  it('a file cut off at any byte', () => {
    // A cut between two top-level fields can leave a whole model: only those may be read.
    let read = 0
    for (let length = 0; length < bytes.length; length++) {
      const error = thrownBy(() => decodeModel(bytes.subarray(0, length)))
      if (error === undefined) read++
      else expect(error).toMatchObject({ name: 'VertebraError', code: 'GRAPH_INVALID' })
    }
    expect(read).toBeLessThanOrEqual(1)
  })

  it('damaged bytes, or it reads another sound model that can be written', () => {
    const flip = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 6 }), (flips) => {
        const damaged = bytes.slice()
        for (const [at, value] of flips) damaged[at] = value
        const error = thrownBy(() => encodeModel(decodeModel(damaged)))
        expect(error === undefined || (error instanceof VertebraError && error.code === 'GRAPH_INVALID')).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  it('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(thrownBy(() => decodeModel(noise))).toMatchObject({ code: 'GRAPH_INVALID' })
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['no bytes', [], /a graph/],
    ['text', [...Buffer.from('<html><body>404</body></html>')], /break off or are damaged/],
    ['a length past the end', [0x3a, 0xff, 0xff, 0xff, 0x7f], /break off or are damaged/],
    ['an endless number', new Array(40).fill(0x80), /break off or are damaged/],
    ['a graph of a wrong wire type', [0x38, 0x01], /break off or are damaged/],
    ['groups in groups', new Array(5000).fill(0x1b), /break off or are damaged/],
  ])('%s', (_, content, message) => {
    expectInvalid(() => decodeModel(Uint8Array.from(content)), message)
  })

  it('millions of empty things in a small file, within the time a test may take', () => {
    // One node of one graph with 3 million empty input names of two bytes each.
    const size = 6_000_000
    const length = (n: number): number[] => [
      (n & 0x7f) | 0x80,
      ((n >> 7) & 0x7f) | 0x80,
      ((n >> 14) & 0x7f) | 0x80,
      n >> 21,
    ]
    const head = [0x3a, ...length(size + 5), 0x0a, ...length(size)]
    const file = new Uint8Array(head.length + size)
    file.set(head)
    for (let i = head.length; i < file.length; i += 2) file[i] = 0x0a
    expectInvalid(() => decodeModel(file), /at most 2000000 items/)
  })

  it('a model above 2 GB, before memory for it is asked for', () => {
    const { graph, ...rest } = tinyNetwork()
    const large = tensorFrom(new Float32Array(2 ** 26))
    const initializers = new Map([
      ...graph.initializers,
      ...Array.from({ length: 9 }, (_, i) => [`w${i}`, large] as const),
    ])
    expectInvalid(() => encodeModel({ ...rest, graph: { ...graph, initializers } }), /at most 2147483647 bytes/)
  })

  it('dimensions that do not fit the bytes', () => {
    const model = tinyNetwork()
    const weight = model.graph.initializers.get('conv1.weight')
    if (!weight) throw new Error('no weight')
    for (const dims of [[8, 3, 3, 4], [-8, -3, 3, 3], [2 ** 40, 2 ** 40], []]) {
      const initializers = new Map(model.graph.initializers).set('conv1.weight', { ...weight, dims })
      expectInvalid(() => encodeModel({ ...model, graph: { ...model.graph, initializers } }), /tensor "conv1.weight"/)
    }
    // In the file: the first dimension of the weight, 8, follows the initializer's tag and length.
    const at = bytes.findIndex((_, i) => [8, 8, 8, 3, 8, 3, 8, 3].every((byte, k) => bytes[i + k] === byte))
    expect(at).toBeGreaterThan(0)
    expectInvalid(() => decodeModel(bytes.with(at + 1, 9)), /tensor "conv1.weight"/)
  })

  it('subgraphs and external data', () => {
    expectInvalid(() => decodeModel(fixture('subgraph')), /attribute (then|else)_branch/)
    expectInvalid(() => decodeModel(fixture('external-data')), /tensor "w" but received "external data"/)
  })

  it('graphs that contradict themselves', () => {
    const { graph, ...rest } = tinyNetwork()
    const [first, second] = graph.nodes
    if (!first || !second) throw new Error('too few nodes')
    const broken: [Partial<Model['graph']>, RegExp][] = [
      [{ nodes: graph.nodes.toReversed() }, /a value made before it/],
      [{ nodes: [...graph.nodes, first] }, /exists already/],
      [{ outputs: [] }, /an output/],
      [{ outputs: [{ name: 'nowhere', dataType: 'float32', dims: [] }] }, /"nowhere"/],
      [{ nodes: [{ ...first, opType: '' }, ...graph.nodes.slice(1)] }, /an operator/],
    ]
    for (const [change, message] of broken) {
      expectInvalid(() => encodeModel({ ...rest, graph: { ...graph, ...change } }), message)
    }
  })

  it('attribute values that the format cannot hold', () => {
    const { graph, ...rest } = tinyNetwork()
    for (const attribute of [
      { kind: 'int', value: 1.5 },
      { kind: 'float', value: 1e300 },
    ] as const) {
      const nodes = graph.nodes.map((node) => ({ ...node, attributes: { a: attribute } }))
      expectInvalid(() => encodeModel({ ...rest, graph: { ...graph, nodes } }), /cannot be written/)
    }
  })
})

describe('the ONNX checker', () => {
  const python = new URL('../../training/.venv/bin/python', import.meta.url).pathname
  const script = new URL('../reference/check_onnx.py', import.meta.url).pathname

  it.skipIf(!existsSync(python))('accepts every operator the builder writes (skipped without Python)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onnx-'))
    try {
      const files = [everyOperator(), tinyNetwork()].map((model, i) => {
        const path = join(folder, `${i}.onnx`)
        writeFileSync(path, encodeModel(model))
        return path
      })
      execFileSync(python, [script, ...files])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('reads a graph without metadata', () => {
    const graph = new GraphBuilder('g')
    graph.output(graph.relu(graph.input('x', 'float32', [1])))
    expect(decodeModel(encodeModel(graph.build())).metadata).toEqual({})
  })
})
