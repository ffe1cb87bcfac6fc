import { describe, expect, it } from 'vitest'
import { readWeights } from '../../src/weights/containers/index.ts'
import { readPickle } from '../../src/weights/containers/pickle.ts'
import type { PickleValue } from '../../src/weights/containers/pickle-values.ts'
import { readStateDict, WRAPPERS } from '../../src/weights/containers/state-dict.ts'
import { storedWeights } from '../../src/weights/stored-weights.ts'
import { arrayOf, asModel, named, pickleBytes, textOf } from './pickle-bytes.ts'

const HISTORY = named('mmengine.logging.history_buffer', 'HistoryBuffer')

const called = (module: string, name: string, argument = 'echo pwned'): Uint8Array =>
  pickleBytes(named(module, name), textOf(argument), 0x85, 'R')

describe('a pickle that calls anything but the allow-list is refused by name', () => {
  it.each<[string, Uint8Array]>([
    ['os.system', pickleBytes("\x80\x02cos\nsystem\n(S'echo pwned'\ntR.")],
    ['posix.system', asModel(called('posix', 'system'))],
    ['nt.system', asModel(called('nt', 'system'))],
    ['subprocess.Popen', asModel(called('subprocess', 'Popen'))],
    ['subprocess.check_output', pickleBytes('\x80\x02(S"echo"\nisubprocess\ncheck_output\n.')],
    ['builtins.eval', asModel(called('builtins', 'eval', '__import__("os").system("id")'))],
    ['builtins.exec', asModel(called('builtins', 'exec'))],
    ['__builtin__.eval', pickleBytes('\x80\x02c__builtin__\neval\n(S"1"\ntR.')],
    ['builtins.getattr', asModel(pickleBytes(named('builtins', 'getattr'), named('os', 'x'), 0x86, 'R'))],
    ['builtins.__import__', asModel(called('builtins', '__import__', 'os'))],
    ['operator.attrgetter', asModel(called('operator', 'attrgetter', 'system'))],
    ['functools.partial', asModel(called('functools', 'partial'))],
    ['importlib.import_module', asModel(called('importlib', 'import_module', 'os'))],
    ['runpy._run_code', asModel(called('runpy', '_run_code'))],
    ['pickle.loads', asModel(called('pickle', 'loads'))],
    ['_pickle.loads', asModel(called('_pickle', 'loads'))],
    ['torch.load', asModel(called('torch', 'load'))],
    ['torch.storage._load_from_bytes', asModel(called('torch.storage', '_load_from_bytes'))],
    ['torch.hub.load', asModel(called('torch.hub', 'load'))],
    ['numpy.load', asModel(called('numpy', 'load'))],
    ['numpy.testing._private.utils.runstring', asModel(called('numpy.testing._private.utils', 'runstring'))],
    ['collections.OrderedDict.__class__', asModel(called('collections', 'OrderedDict.__class__'))],
    ['collections.namedtuple', asModel(called('collections', 'namedtuple'))],
    ['__main__.Model', pickleBytes('\x80\x02(c__main__\nModel\no.')],
    ['webbrowser.open', asModel(called('webbrowser', 'open', 'http://example.org'))],
    ['constructor.constructor', asModel(called('constructor', 'constructor'))],
  ])('%s', (name, bytes) => {
    const read = () => readWeights(bytes, 'evil.pkl')
    expect(read).toThrow(`names "${name}"`)
    expect(read).toThrow(expect.objectContaining({ code: 'WEIGHTS_INVALID' }))
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['a global whose name is no text', pickleBytes('\x80\x04', textOf('os'), 'N', 0x93, '.'), /names "os\.null"/],
    ['a call of a text', pickleBytes('\x80\x04', textOf('os.system'), ')R.'), /no call of "os\.system"/],
    [
      'a call of a class that may only be named',
      pickleBytes('\x80\x02ctorch\nFloatStorage\n)R.'),
      /no call of FloatStorage/,
    ],
    [
      'an attribute of what is no history',
      asModel(pickleBytes(named('__builtin__', 'getattr'), named('collections', 'OrderedDict'), textOf('x'), '\x86R')),
      /asks for "x" of collections\.OrderedDict/,
    ],
    [
      'a call of the method of a history',
      asModel(pickleBytes(named('__builtin__', 'getattr'), HISTORY, textOf('min'), '\x86R)R')),
      /no call of a method/,
    ],
    [
      'a history among the tensors',
      asModel(
        pickleBytes('}(', textOf('a'), arrayOf('f4', [1], 'C\x04abcd'), textOf('b'), HISTORY, pickleBytes(')\x81}bu')),
      ),
      /tensors by name.*"b" among them is a mmengine\.logging\.history_buffer\.HistoryBuffer/,
    ],
    [
      'a history as a parameter',
      asModel(pickleBytes(named('torch._utils', '_rebuild_parameter'), HISTORY, pickleBytes(')\x81\x85R'))),
      /a tensor for a parameter.*HistoryBuffer/,
    ],
    [
      'items for a counter',
      asModel(pickleBytes(named('collections', 'Counter'), ')R(NNu')),
      /a dict to put items into/,
    ],
    ['a call with keywords', asModel(pickleBytes(named('collections', 'OrderedDict'), ')}', 0x92)), /0x92/],
    ['an extension code', pickleBytes('\x80\x02\x82\x01.'), /0x82/],
    ['an out-of-band buffer', pickleBytes('\x80\x05\x97.'), /0x97/],
    ['state for a text', pickleBytes('\x80\x02U\x01a}b.'), /no state for "a"/],
    ['state for a class', pickleBytes('\x80\x02ctorch\nSize\n}b.'), /no state for torch\.Size/],
    ['a persistent id', pickleBytes('\x80\x02U\x01aQ.'), /no persistent ids/],
    ['protocol 6', pickleBytes('\x80\x06N.'), /protocol 6/],
    ['an empty stack', pickleBytes('\x80\x02.'), /stack of the pickle/],
    ['a value below the mark', pickleBytes('\x80\x02N(.'), /stack of the pickle/],
    ['a mark that is missing', pickleBytes('\x80\x02Nt.'), /a mark/],
    ['a memo that is empty', pickleBytes('\x80\x02h\x05.'), /value 5 in the memo/],
    ['an item for a text', pickleBytes('\x80\x02U\x01aNa.'), /a list to append to.*"a"/],
    ['a key without value', pickleBytes('\x80\x02}(NNNu.'), /a value for each key/],
    [
      'bytes of another encoding',
      asModel(pickleBytes(named('_codecs', 'encode'), textOf('a'), textOf('rot13'), 0x86, 'R')),
      /"rot13"/,
    ],
    [
      'an object array',
      asModel(pickleBytes('}', textOf('a'), arrayOf('O8', [1], ']'), 's')),
      /plain|element type|state/,
    ],
    [
      'an array of other size',
      asModel(pickleBytes('}', textOf('a'), arrayOf('f4', [3], 'C\x04abcd'), 's')),
      /12 bytes for tensor "a" \(F32 \[3\]\) but received 4/,
    ],
    ['text that claims more than the file', pickleBytes('\x80\x02X\xff\xff\xff\x7fab.'), /cut short/],
    [
      'an integer of a megabyte',
      pickleBytes('\x80\x02\x8b\x00\x00\x10\x00', new Uint8Array(1 << 20), '.'),
      /at most 32 bytes/,
    ],
    ['a model in a model in a model', nested(40), /no tensors/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readWeights(bytes, 'evil.pkl')).toThrow(message)
  })
})

function nested(depth: number): Uint8Array {
  const open = pickleBytes(...Array.from({ length: depth }, () => pickleBytes('}', textOf('model'))))
  return pickleBytes('\x80\x04', open, '}', 's'.repeat(depth), '.')
}

describe('a pickle that grows', () => {
  const read = (bytes: Uint8Array) => readPickle(bytes, { globals: new Map() })

  it('a list of lists of lists, 2^60 in all, is shared and costs what it is long', () => {
    // [x, x] of the last value, sixty times over.
    const doubling = Array.from({ length: 60 }, (_, i) => pickleBytes('q', i, '0](h', i, 'h', i, 'e'))
    const bytes = pickleBytes('\x80\x02]', ...doubling, '.')
    expect(Array.isArray(read(bytes).value)).toBe(true)
    expect(() => readWeights(bytes, 'bomb.pkl')).toThrow(/a dict of tensors.*a list of 2/)
  })

  it('a list and a dict that contain themselves are no endless loop', () => {
    expect(() => readWeights(pickleBytes('\x80\x02]q\x00h\x00a.'), 'loop.pkl')).toThrow(/a list of 1/)
    const loop = pickleBytes('\x80\x04}q\x00', textOf('model'), 'h\x00s.')
    expect(() => readWeights(loop, 'loop.pkl')).toThrow(/no tensors.*"model"/)
  })

  it('a dict that contains itself wherever a model may lie is looked through once', () => {
    let scans = 0
    class Counted extends Map<PickleValue, PickleValue> {
      override [Symbol.iterator]() {
        scans++
        return super[Symbol.iterator]()
      }
    }
    const dict = new Counted()
    for (const key of WRAPPERS) dict.set(key, dict)
    expect(() => readStateDict('pickle', dict, () => new Uint8Array(0), 0)).toThrow(/no tensors/)
    expect(scans).toBe(1)
  })

  it('endless duplicates stop at a number of instructions', () => {
    const bytes = new Uint8Array(3_000_000).fill(0x32)
    bytes.set(pickleBytes('\x80\x02N'))
    expect(() => read(bytes)).toThrow(/at most 2000000 instructions/)
  })

  it.each<[string, Uint8Array, Uint8Array]>([
    ['a dict', named('collections', 'OrderedDict'), pickleBytes('](', 'NN\x86'.repeat(10_000), 'e\x85')],
    [
      'bytes',
      named('_codecs', 'encode'),
      pickleBytes('X\x00\x00\x01\x00', 'a'.repeat(1 << 16), textOf('latin1'), '\x86'),
    ],
    ['a counter', named('collections', 'Counter'), pickleBytes('](', 'NN\x86'.repeat(10_000), 'e\x85')],
  ])('the same arguments make %s a few times, not any number of times', (_, target, args) => {
    const calls = (count: number) =>
      pickleBytes('\x80\x04', target, 'q\x00', args, 'q\x01(', 'h\x00h\x01R'.repeat(count), 'l.')
    expect(() => readWeights(calls(5), 'a.pkl')).toThrow(/a dict of tensors/)
    expect(() => readWeights(calls(200), 'a.pkl')).toThrow(/a pickle whose calls copy little more than it holds/)
  })

  it('deep nesting needs no recursion', () => {
    const depth = 300_000
    const bytes = pickleBytes('\x80\x02', ']'.repeat(depth), 'a'.repeat(depth - 1), '.')
    expect(Array.isArray(read(bytes).value)).toBe(true)
  })
})

it('a NaN in a checkpoint is found when its tensor is asked for', () => {
  const bytes = asModel(pickleBytes('}', textOf('a.weight'), arrayOf('f4', [1], 'C\x04\x00\x00\xc0\x7f'), 's'))
  const weights = storedWeights(readWeights(bytes, 'nan.pkl').tensors)
  expect(() => weights.tensor('a.weight', [1])).toThrow(/finite numbers in tensor "a\.weight" but element 0 is NaN/)
  expect(() => weights.tensor('a.weight', [2])).toThrow(/shape \[2\] for tensor "a\.weight" but received \[1\]/)
})
