import { describe } from '../../errors.ts'
import { invalidWeights } from '../stored-tensor.ts'
import { describePickled, PickleGlobal, PickleObject } from './pickle-values.ts'

/** What a trainer keeps beside the weights. It takes arguments and state and keeps neither. */
export class InertObject extends PickleObject {
  readonly title: string

  constructor(title: string) {
    super()
    this.title = title
  }

  override setState(): boolean {
    return true
  }
}

/** Classes whose objects say how a training went, never what was trained. */
const CLASSES = [
  // torchvision's references/detection/train.py: `args`, and the milestones in `lr_scheduler`.
  'argparse.Namespace',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'collections.Counter',
  '__builtin__.set',
  // `message_hub` of mmengine's Runner.save_checkpoint; its first versions stored the hub itself.
  'mmengine.logging.history_buffer.HistoryBuffer',
  'mmengine.logging.message_hub.MessageHub',
]

const INERT_CLASSES: ReadonlyMap<string, PickleGlobal> = new Map(
  CLASSES.map((name): [string, PickleGlobal] => [name, new PickleGlobal(name, () => new InertObject(`a ${name}`))]),
)

const ATTRIBUTES_OF: ReadonlySet<unknown> = new Set(INERT_CLASSES.values())

/** How protocol 2 writes the methods that a HistoryBuffer lists. Nothing is looked up, and the result cannot be called. */
const getattr = new PickleGlobal('getattr', ([owner, name]) => {
  if (ATTRIBUTES_OF.has(owner)) return new InertObject('a method')
  throw invalidWeights(
    `tensors and plain values in the pickle but it asks for ${describe(name)} of ${describePickled(owner)}`,
  )
})

/** The class that a defaultdict makes its values of may only be named. */
const FACTORIES = ['dict', 'float', 'int', 'list'].map((name): [string, PickleGlobal] => [
  `__builtin__.${name}`,
  new PickleGlobal(name),
])

export const INERT_GLOBALS: ReadonlyMap<string, PickleGlobal> = new Map([
  ...INERT_CLASSES,
  ...FACTORIES,
  ['__builtin__.getattr', getattr],
  // Its items follow as those of a dict.
  ['collections.defaultdict', new PickleGlobal('collections.defaultdict', () => new Map())],
])
