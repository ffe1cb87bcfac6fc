import { describe, expect, it } from 'vitest'
import { VertebraError } from '../../src/errors.ts'
import { chooseDevice } from '../../src/runtime/choose-device.ts'
import { nodeRuntime } from '../../src/runtime/node.ts'
import { probeModel } from '../../src/runtime/probe.ts'
import type { Device, Runtime } from '../../src/runtime/runtime.ts'
import { PLAIN_TRAITS } from '../plain-traits.ts'

/** A runtime on which only some devices answer. */
function runtimeWith(working: readonly Device[], unwise: readonly Device[] = []): Runtime & { probed: Device[] } {
  const probed: Device[] = []
  return {
    name: 'test',
    devices: ['cuda', 'webgpu', 'cpu'],
    probed,
    async probe(device) {
      probed.push(device)
      return { device, works: working.includes(device), reason: working.includes(device) ? 'ran' : 'no driver' }
    },
    unwise: async (device) => (unwise.includes(device) ? 'only a software rasteriser' : undefined),
    isLost: () => false,
    traits: () => PLAIN_TRAITS,
    async open() {
      throw new VertebraError('INFERENCE_FAILED', 'not in this test')
    },
  }
}

describe('auto', () => {
  it('takes the best that works and says why not the better ones', async () => {
    expect(await chooseDevice(runtimeWith(['webgpu', 'cpu']), 'auto')).toEqual({
      device: 'webgpu',
      reason: 'webgpu was chosen: cuda: no driver.',
    })
    expect((await chooseDevice(runtimeWith(['cuda', 'cpu']), 'auto')).reason).toBe(
      'cuda was chosen: it is the best device this runtime knows.',
    )
  })

  it('does not try what would be unwise, nor anything below the first that works', async () => {
    const runtime = runtimeWith(['webgpu', 'cpu'], ['webgpu'])
    expect(await chooseDevice(runtime, 'auto')).toEqual({
      device: 'cpu',
      reason: 'cpu was chosen: cuda: no driver; webgpu: only a software rasteriser.',
    })
    expect(runtime.probed).toEqual(['cuda', 'cpu'])
  })

  it('says that nothing works', async () => {
    await expect(chooseDevice(runtimeWith([]), 'auto')).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })
})

describe('a named device', () => {
  it('is taken even where auto would not, or refused with its reason', async () => {
    const runtime = runtimeWith(['webgpu', 'cpu'], ['webgpu'])
    expect(await chooseDevice(runtime, 'webgpu')).toEqual({ device: 'webgpu', reason: 'webgpu was asked for.' })
    await expect(chooseDevice(runtime, 'cuda')).rejects.toThrow(
      'Expected a device that works here but received "cuda": no driver.',
    )
    await expect(chooseDevice(runtime, 'dml')).rejects.toThrow('test has cuda, webgpu, cpu on this system')
  })
})

describe('onnxruntime-node', () => {
  it('is one object, and its CPU works', async () => {
    const runtime = await nodeRuntime()
    expect(await nodeRuntime()).toBe(runtime)
    expect(runtime.devices.at(-1)).toBe('cpu')
    expect(await runtime.probe('cpu')).toEqual({ device: 'cpu', works: true, reason: 'a small graph ran on it' })
  })

  it('runs, refuses wrong feeds and graphs, and ends at dispose', async () => {
    const runtime = await nodeRuntime()
    const session = await runtime.open(probeModel(), 'cpu', { threads: 1 })
    expect([session.inputs, session.outputs]).toEqual([['x'], ['y']])
    const x = { dataType: 'float32', dims: [1, 1, 2, 2], data: Float32Array.of(-1, 2, -3, 4) } as const
    expect((await session.run({ x })).y).toEqual({ dims: [1, 1, 2, 2], data: Float32Array.of(0, 2, 0, 4) })
    await expect(session.run({ x: { ...x, dims: [2, 2, 1, 1] } })).rejects.toMatchObject({ code: 'INFERENCE_FAILED' })
    await expect(runtime.open(new Uint8Array(20), 'cpu')).rejects.toMatchObject({ code: 'GRAPH_INVALID' })
    const running = session.run({ x })
    await session.dispose()
    expect((await running).y).toMatchObject({ data: Float32Array.of(0, 2, 0, 4) })
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'DISPOSED' })
  })
})
