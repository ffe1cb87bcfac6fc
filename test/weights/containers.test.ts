import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { VertebraError } from '../../src/errors.ts'
import { partNames, readWeights } from '../../src/weights/containers/index.ts'
import { toFloat32 } from '../../src/weights/elements.ts'
import type { StoredTensor } from '../../src/weights/stored-tensor.ts'
import { expected, fixtureFile } from './fixture-file.ts'
import { safetensors } from './make-safetensors.ts'
import { arrayOf, pickleBytes, textOf } from './pickle-bytes.ts'

function listed(tensors: ReadonlyMap<string, StoredTensor>): Record<string, { shape: number[]; values: number[] }> {
  return Object.fromEntries(
    [...tensors].map(([name, tensor]) => [name, { shape: [...tensor.shape], values: [...toFloat32(tensor)] }]),
  )
}

const withSlashes = Object.fromEntries(
  Object.entries(expected.numpy).map(([name, tensor]) => [name.replaceAll('.', '/'), tensor]),
)

describe('readWeights', () => {
  it.each(['torch-zip.pth', 'torch-legacy.pth'])('reads %s: state_dict, without the prefix of DataParallel', (name) => {
    const file = readWeights(fixtureFile(name), name)
    expect(file.container).toMatch(/^PyTorch file/)
    expect(listed(file.tensors)).toEqual(expected.torch)
    expect(file.labels).toEqual(['cat', 'dog'])
  })

  it('reads the same of what trainers keep beside their histories, schedules and arguments', () => {
    const ofMmengine = readWeights(fixtureFile('mmengine.pth'), 'epoch_2.pth')
    expect(listed(ofMmengine.tensors)).toEqual(expected.torch)
    expect(ofMmengine.labels).toEqual(['cat', 'dog'])
    const ofTorchvision = readWeights(fixtureFile('torchvision-training.pth'), 'checkpoint.pth')
    expect(listed(ofTorchvision.tensors)).toEqual(expected.torch)
  })

  it.each([0, 2, 3, 4, 5])('reads a Detectron2 pickle of protocol %i', (protocol) => {
    const name = `detectron2-${protocol}.pkl`
    const file = readWeights(fixtureFile(name), name)
    expect(file.container).toBe('pickle of NumPy arrays')
    expect(listed(file.tensors)).toEqual(expected.numpy)
  })

  it('reads a Caffe2 pickle of Python 2, without momentum', () => {
    expect(listed(readWeights(fixtureFile('caffe2-python2.pkl'), 'a.pkl').tensors)).toEqual(expected.numpy)
  })

  it.each(['stored.npz', 'deflated.npz'])('reads %s', (name) => {
    expect(listed(readWeights(fixtureFile(name), name).tensors)).toEqual(withSlashes)
  })

  it('reads one .npy under the name of its file', () => {
    const { tensors } = readWeights(fixtureFile('large.npy'), 'folder/large.npy')
    expect(listed(tensors)).toEqual({ large: expected.numpy.large })
  })

  it('reads a .caffemodel, and one of the old form with four sizes per blob', () => {
    expect(listed(readWeights(fixtureFile('new.caffemodel'), 'a').tensors)).toEqual(expected.caffe)
    const { tensors } = readWeights(fixtureFile('old.caffemodel'), 'a')
    expect(tensors.get('conv.1')?.shape).toEqual([1, 1, 1, 4])
    expect(listed(tensors)['fc.0']?.values).toEqual(expected.caffe['fc.0']?.values)
  })

  it('reads the initialisers of an ONNX graph', () => {
    const kept = Object.entries(expected.numpy).filter(([name]) => name !== 'big_endian' && name !== 'short')
    expect(listed(readWeights(fixtureFile('model.onnx'), 'a').tensors)).toEqual(Object.fromEntries(kept))
  })

  it('reads safetensors in several files', () => {
    const index = fixtureFile('model.safetensors.index.json')
    const parts = new Map(partNames(index).map((name): [string, Uint8Array] => [name, fixtureFile(name)]))
    expect(parts.size).toBe(2)
    const file = readWeights(index, 'model.safetensors.index.json', parts)
    expect(file.container).toBe('safetensors file in 2 parts')
    expect(listed(file.tensors)).toEqual(expected.torch)
    parts.delete('model-00002-of-00002.safetensors')
    expect(() => readWeights(index, 'index', parts)).toThrow(/"model-00002-of-00002\.safetensors" beside "index"/)
    parts.set('model-00002-of-00002.safetensors', fixtureFile('model-00001-of-00002.safetensors'))
    expect(() => readWeights(index, 'index', parts)).toThrow(/tensor ".*" in "model-00002.*not there/)
  })

  it('reads a safetensors file whose length begins as a zip does', () => {
    const file = safetensors(JSON.stringify({ __metadata__: { k: 'v' } }).padEnd(0x4b50))
    expect(readWeights(file, 'a').metadata).toEqual({ k: 'v' })
  })

  it('takes the wrapped model, not the tensors beside it', () => {
    const array = arrayOf('f4', [1], 'C\x04abcd')
    const model = pickleBytes('}', textOf('module.a'), array, 's')
    const file = pickleBytes('\x80\x04}(', textOf('state_dict'), model, textOf('best_acc1'), array, 'u.')
    expect([...readWeights(file, 'a').tensors.keys()]).toEqual(['a'])
  })

  it('leaves out what modules put before every name, any number of times', () => {
    const name = pickleBytes('X\xe0\x22\x02\x00', 'module.'.repeat(20_000))
    const file = pickleBytes('\x80\x04}', name, arrayOf('f4', [1], 'C\x04abcd'), 's.')
    expect([...readWeights(file, 'a').tensors.keys()]).toEqual([''])
  })

  it('gives views of stored elements, also from a Buffer', () => {
    const path = new URL('../fixtures/weights/torch-zip.pth', import.meta.url)
    const buffer = readFileSync(path)
    const { tensors } = readWeights(buffer, 'a')
    expect(tensors.get('conv.weight')?.bytes.buffer).toBe(buffer.buffer)
    expect(tensors.get('conv.weight_channels_last')?.bytes.buffer).not.toBe(buffer.buffer)
    expect(tensors.get('conv.weight')?.bytes.constructor).toBe(Uint8Array)
  })

  it.each<[string, Uint8Array | string, RegExp]>([
    [
      'a checkpoint of an optimizer',
      fixtureFile('optimizer.pth'),
      /only the state of an optimizer.*"state", "param_groups"/,
    ],
    ['TorchScript', fixtureFile('torchscript.pt'), /TorchScript archive.*state_dict/],
    ['an empty file', '', /an empty file/],
    ['a web page', '<!DOCTYPE html><html>', /a web page \(the download failed\)/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid', /Git LFS pointer/],
    ['an HDF5 file without anything in it', '\x89HDF\r\n\x1a\n', /HDF5/],
    ['anything else', 'hello, world', /12 bytes of another format/],
    ['JSON that is no index', '{"a": 1}', /"weight_map"/],
    ['an index that leaves its folder', '{"weight_map": {"a": "../b"}}', /plain file name for tensor "a".*"\.\.\/b"/],
    ['an index with a name twice', '{"weight_map": {"a": "b", "a": "c"}}', /"a" is there twice/],
  ])('refuses %s', (_, content, message) => {
    const bytes = typeof content === 'string' ? Uint8Array.from(content, (c) => c.charCodeAt(0)) : content
    expect(() => readWeights(bytes, 'w.bin')).toThrow(message)
    expect(() => readWeights(bytes, 'w.bin')).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })

  it.each([
    'torch-zip.pth',
    'torch-legacy.pth',
    'mmengine.pth',
    'detectron2-2.pkl',
    'detectron2-0.pkl',
    'caffe2-python2.pkl',
    'deflated.npz',
    'large.npy',
  ])('refuses %s cut at any byte', (name) => {
    const whole = fixtureFile(name)
    const accepted = Array.from(whole, (_, length) => length).filter((length) => {
      try {
        return readWeights(whole.subarray(0, length), name)
      } catch (error) {
        if (!(error instanceof VertebraError)) throw error
        return false
      }
    })
    expect(accepted).toEqual([])
  })

  it.each([
    'torch-zip.pth',
    'torch-legacy.pth',
    'mmengine.pth',
    'detectron2-5.pkl',
    'stored.npz',
    'new.caffemodel',
    'model.onnx',
  ])('answers a changed bit in %s with tensors of their own size or an error', (name) => {
    const whole = fixtureFile(name)
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = whole.slice()
      bytes[at] = (whole[at] as number) ^ (1 << (at % 8))
      try {
        for (const tensor of readWeights(bytes, name).tensors.values()) {
          const count = tensor.shape.reduce((product, dim) => product * dim, 1)
          expect(toFloat32(tensor).length).toBe(count)
        }
      } catch (error) {
        if (!(error instanceof VertebraError)) throw error
        expect(error.code).toBe('WEIGHTS_INVALID')
      }
    }
  })
})
