import { VertebraError } from '../errors.ts'
import { VOC_LABELS } from '../formats/voc-labels.ts'
import type { Manifest } from '../models/manifest.ts'

type Labels = Manifest['labels']

/** The 80 categories of COCO by id, which goes to 90 with gaps. */
const COCO_CATEGORIES: ReadonlyMap<number, string> = new Map(
  [
    '1 person, 2 bicycle, 3 car, 4 motorcycle, 5 airplane, 6 bus, 7 train, 8 truck, 9 boat, 10 traffic light',
    '11 fire hydrant, 13 stop sign, 14 parking meter, 15 bench, 16 bird, 17 cat, 18 dog, 19 horse, 20 sheep, 21 cow',
    '22 elephant, 23 bear, 24 zebra, 25 giraffe, 27 backpack, 28 umbrella, 31 handbag, 32 tie, 33 suitcase, 34 frisbee',
    '35 skis, 36 snowboard, 37 sports ball, 38 kite, 39 baseball bat, 40 baseball glove, 41 skateboard, 42 surfboard',
    '43 tennis racket, 44 bottle, 46 wine glass, 47 cup, 48 fork, 49 knife, 50 spoon, 51 bowl, 52 banana, 53 apple',
    '54 sandwich, 55 orange, 56 broccoli, 57 carrot, 58 hot dog, 59 pizza, 60 donut, 61 cake, 62 chair, 63 couch',
    '64 potted plant, 65 bed, 67 dining table, 70 toilet, 72 tv, 73 laptop, 74 mouse, 75 remote, 76 keyboard',
    '77 cell phone, 78 microwave, 79 oven, 80 toaster, 81 sink, 82 refrigerator, 84 book, 85 clock, 86 vase',
    '87 scissors, 88 teddy bear, 89 hair drier, 90 toothbrush',
  ]
    .join(', ')
    .split(', ')
    .map((entry): [number, string] => [Number.parseInt(entry, 10), entry.replace(/^\d+ /, '')]),
)

/**
 * The labels of K classes: COCO's for 80 classes, COCO's ids for 90 (torchvision) and, from 0, for 91 (DETR; the ids that COCO does
 * not use are called `unused <id>`), VOC's for 20, and `class 1` and so on for any other number. Names that are given and are not
 * these are numbered from 1.
 *
 * @throws VertebraError `INVALID_ARGUMENT` when the given names are not K different ones.
 */
export function labelsFor(count: number, given?: readonly string[]): Labels {
  const usual = usualLabels(count)
  if (!given) return usual
  if (given.length !== count) {
    throw new VertebraError(
      'INVALID_ARGUMENT',
      `Expected ${count} labels, one for each class of the network without background, but received ${given.length}.`,
      { value: given },
    )
  }
  return given.every((name, i) => name === usual[i]?.name) ? usual : numbered(count, (id) => given[id - 1] ?? '')
}

function usualLabels(count: number): Labels {
  if (count === 80) return [...COCO_CATEGORIES].map(([categoryId, name]) => ({ name, categoryId }))
  if (count === 90) return numbered(90, (id) => COCO_CATEGORIES.get(id) ?? `unused ${id}`)
  // DETR: the ids themselves, of which 0 is none.
  if (count === 91) {
    return Array.from({ length: 91 }, (_, id) => ({ name: COCO_CATEGORIES.get(id) ?? `unused ${id}`, categoryId: id }))
  }
  if (count === 20) return numbered(20, (id) => VOC_LABELS[id - 1] ?? '')
  return numbered(count, (id) => `class ${id}`)
}

function numbered(count: number, name: (id: number) => string): Labels {
  return Array.from({ length: count }, (_, i) => ({ name: name(i + 1), categoryId: i + 1 }))
}
